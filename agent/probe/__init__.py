"""The canary: walks every flow up to the step before its write, and says where pages have changed. Writes nothing."""
