"""How the lab behaves: pure functions of an organization, the facts of a request and an instant. They open nothing."""
