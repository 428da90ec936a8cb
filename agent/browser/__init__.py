"""The browser: found, launched, kept warm, signed in per tenant, and closed for certain."""
