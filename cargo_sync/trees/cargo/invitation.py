"""An invitation, redeemed: this machine becomes a device of a user, or a storage node."""

from dataclasses import replace

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cargo import bounds, requests
from cargo_sync.trees.cargo.api import Api
from cargo_sync.trees.cargo.problems import bad_answer, decoded, translated
from cargo_sync.trees.cargo.replies import DeviceReply, JoinedReply


class InvitedApi(Api):
    """Calls of somebody who was invited, and has no login yet."""

    async def redeem(self, token: str, device: str) -> DeviceReply:
        """Uses an invitation up.

        Raises:
            ProblemError: the server refuses it, or its answer cannot be used.
        """
        body = requests.redemption(self.login.username, token, device)
        made = decoded(DeviceReply.read, await self._invited("/invites/redeem", body))
        if made.user != self.login.username:
            raise bad_answer("it is for another user")
        return made

    async def join(
        self, token: str, address: str, ports: tuple[int, int], fingerprint: str
    ) -> JoinedReply:
        """Joins as the storage node whose name is that of the login.

        Args:
            token: of the invitation.
            address: a host by which the server reaches the node.
            ports: of its API and its lanes.
            fingerprint: of its certificate.

        Raises:
            ProblemError: the server refuses it, or its answer cannot be used.
        """
        body = requests.joining(self.login.username, token, address, ports, fingerprint)
        return decoded(JoinedReply.read, await self._invited("/nodes", body))

    async def _invited(self, path: str, body: requests.Body) -> bytes:
        """The answer to somebody who was invited. Raises ProblemError."""
        try:
            with translated(self.login.url):
                async with await self._request("POST", path, body, {}) as response:
                    await self._expect(response)
                    content = await bounds.beginning(response, bounds.SMALL)
        except ProblemError as error:
            raise ProblemError(_as_invited(error.problem)) from error
        return bounds.complete(content, bounds.SMALL)


def _as_invited(problem: Problem) -> Problem:
    """A refusal with a hint for somebody who has no login."""
    if problem.code != Code.UNAUTHORIZED:
        return problem
    return replace(problem, hint="ask the person who invited you for another one")
