"""The legacy generation of the company Directory: server-rendered Rails pages with parts of React in them."""
