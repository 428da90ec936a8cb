"""The new generation of pages (a micro-frontend): a virtualised grid, menus in portals, panels that do not navigate."""
