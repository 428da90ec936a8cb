"""Goes through a recorded job again with today's selectors, readings and decisions; offline, on the pages seen then."""
