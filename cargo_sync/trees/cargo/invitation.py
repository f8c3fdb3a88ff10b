"""An invitation, redeemed: this machine becomes a device, with a secret for its logins."""

from dataclasses import replace

from cargo_sync.model.problems import Code, Problem, ProblemError
from cargo_sync.trees.cargo import bounds, requests
from cargo_sync.trees.cargo.api import Api
from cargo_sync.trees.cargo.problems import bad_answer, decoded, translated
from cargo_sync.trees.cargo.replies import DeviceReply


class InvitedApi(Api):
    """Calls of somebody who was invited, and has no login yet."""

    async def redeem(self, token: str, device: str) -> DeviceReply:
        """Uses an invitation up.

        Raises:
            ProblemError: the server refuses it, or its answer cannot be used.
        """
        login = self.login
        body = requests.redemption(login.username, token, device)
        try:
            with translated(login.url):
                async with await self._request("POST", "/invites/redeem", body, {}) as response:
                    await self._expect(response)
                    content = await bounds.beginning(response, bounds.SMALL)
        except ProblemError as error:
            raise ProblemError(_as_invited(error.problem)) from error
        made = decoded(DeviceReply.read, bounds.complete(content, bounds.SMALL))
        if made.user != login.username:
            raise bad_answer("it is for another user")
        return made


def _as_invited(problem: Problem) -> Problem:
    """A refusal with a hint for somebody who has no login."""
    if problem.code != Code.UNAUTHORIZED:
        return problem
    return replace(problem, hint="ask the person who invited you for another one")
