"""How people sign in: the tenant, the realm, the federation service, the person."""
