"""Works the queue off: claims jobs, runs them in a shared browser, judges how they ended, and stops when asked."""
