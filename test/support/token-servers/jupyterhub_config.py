"""A hub alone: no proxy before it, no server behind it, its state in memory. Started by jupyterhub.ts."""

import os

from jupyterhub.proxy import Proxy


class NoProxy(Proxy):
    """Routes lead nowhere: what is asked for is the hub's own API."""

    should_start = False
    routes = {}

    async def add_route(self, routespec, target, data):
        self.routes[routespec] = {"routespec": routespec, "target": target, "data": data}

    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)

    async def get_all_routes(self):
        return self.routes


c = get_config()  # noqa: F821
c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.authenticator_class = "dummy"
c.JupyterHub.hub_bind_url = os.environ["KEYTURN_HUB_URL"]
c.JupyterHub.bind_url = "http://127.0.0.1:1"
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.services = [{"name": "tests", "api_token": os.environ["KEYTURN_HUB_TOKEN"]}]
c.JupyterHub.load_roles = [{"name": "tests", "services": ["tests"], "scopes": ["admin:users", "tokens"]}]
