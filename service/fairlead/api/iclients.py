"""IclientService: iClients as resources."""

from __future__ import annotations

from fairlead.api.call import Call
from fairlead.api.mappers import message_of, resource_tree
from fairlead.api.projection import Window
from fairlead.engine.iclients import Iclients
from fairlead.engine.resources import Stored
from fairlead.v1 import iclient_pb2
from fairlead.v1 import iclient_service_pb2 as pb


class IclientServicer:
    """Translate, delegate, translate back."""

    def __init__(self, iclients: Iclients) -> None:
        self._iclients = iclients

    async def list_iclients(self, call: Call, request: pb.ListIclientsRequest) -> pb.ListIclientsResponse:
        """One page of the account's iClients (contract.md 1.11)."""
        window = Window.of(request.limit, request.skip, request.include, request.exclude)
        filters = {"name": list(request.name)} if any(request.name) else {}
        found, more = await self._iclients.list(call.who.account, filters, window.skip, window.limit)
        shown = [message_of(window.project(stored.tree), iclient_pb2.Iclient) for stored in found]
        return pb.ListIclientsResponse(iclients=shown, more=more)

    async def get_iclient(self, call: Call, request: pb.GetIclientRequest) -> pb.GetIclientResponse:
        """One iClient, secrets masked."""
        stored = await self._iclients.get(call.who.account, request.id)
        return pb.GetIclientResponse(iclient=_iclient(stored), etag=stored.etag)

    async def create_iclient(self, call: Call, request: pb.CreateIclientRequest) -> pb.CreateIclientResponse:
        """Store a new iClient."""
        stored = await self._iclients.create(call.who.account, call.who.user_id, resource_tree(request.iclient))
        return pb.CreateIclientResponse(iclient=_iclient(stored), etag=stored.etag)

    async def update_iclient(self, call: Call, request: pb.UpdateIclientRequest) -> pb.UpdateIclientResponse:
        """Replace an iClient; masks keep stored secrets."""
        if_match = request.if_match if request.HasField("if_match") else None
        tree = resource_tree(request.iclient)
        stored = await self._iclients.replace(call.who.account, call.who.user_id, request.id, tree, if_match)
        return pb.UpdateIclientResponse(iclient=_iclient(stored), etag=stored.etag)

    async def delete_iclient(self, call: Call, request: pb.DeleteIclientRequest) -> pb.DeleteIclientResponse:
        """Delete an iClient to which no connection refers."""
        if_match = request.if_match if request.HasField("if_match") else None
        await self._iclients.delete(call.who.account, request.id, if_match)
        return pb.DeleteIclientResponse()


def _iclient(stored: Stored) -> iclient_pb2.Iclient:
    return message_of(stored.tree, iclient_pb2.Iclient)
