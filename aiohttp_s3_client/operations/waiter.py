"""Asking until the answer is the one that is waited for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..errors import AwsError, ParamValidationError, WaiterError
from ..protocol.waiters import Outcome, Waiter, judge


async def wait_until(
    call: Callable[[dict[str, object]], Awaitable[Mapping[str, Any]]],
    waiter: Waiter,
    params: Mapping[str, object],
    config: Mapping[str, object] | None = None,
) -> None:
    """Send the waiter's operation with *params* until its answer is the one that is waited for.

    *call* sends it once and returns its output, with ``ResponseMetadata``, or raises ``AwsError``,
    which is an answer like any other. *config* is boto3's ``WaiterConfig``: ``Delay`` (seconds
    between two requests) and ``MaxAttempts`` (requests in all), each the waiter's own by default.
    The first request goes out at once, and between two of them the task may be cancelled as in
    any sleep.

    Raises ``WaiterError`` when the answer says that there is no more hope, or the last request
    brought no other one; ``ParamValidationError`` for other settings; what else *call* raises
    passes through.
    """
    delay, max_attempts = _settings(waiter, config or {})
    for attempt in range(1, max_attempts + 1):
        is_last = attempt == max_attempts
        try:
            output = await call(dict(params))
        except AwsError as error:
            # Judged here, where the name ends with the clause: its traceback leads to this frame,
            # and a variable that stayed would keep both until the garbage collector comes by.
            outcome = Outcome(error.status, error.code or str(error.status))
            if _is_over(waiter, outcome, attempt, is_last, error):
                return
        else:
            outcome = Outcome(output["ResponseMetadata"]["HTTPStatusCode"], "", output)
            if _is_over(waiter, outcome, attempt, is_last, None):
                return
        await asyncio.sleep(delay)


def _is_over(
    waiter: Waiter, outcome: Outcome, attempt: int, is_last: bool, error: AwsError | None
) -> bool:
    """Whether what is waited for has come; ``WaiterError`` if it has not and will not."""
    state = judge(waiter, outcome)
    if state == "success":
        return True
    if state == "retry" and not is_last:
        return False
    why = "will not happen" if state == "failure" else "did not happen"
    times = "once" if attempt == 1 else f"{attempt} times"
    answer = f"status {outcome.status}" if error is None else str(error)
    message = f"{waiter.name} {why}: asked {waiter.operation} {times}, last answer: {answer}"
    raise WaiterError(message, waiter.name, attempt, error) from error


def _settings(waiter: Waiter, config: Mapping[str, object]) -> tuple[float, int]:
    known = ("Delay", "MaxAttempts")
    if unknown := [f"WaiterConfig.{name} is not known" for name in config if name not in known]:
        raise ParamValidationError(waiter.operation, unknown)
    delay = config.get("Delay", waiter.delay)
    if isinstance(delay, bool) or not isinstance(delay, (int, float)) or not 0 <= delay < math.inf:
        problem = f"WaiterConfig.Delay is {delay!r:.100}, not a number of seconds"
        raise ParamValidationError(waiter.operation, [problem])
    attempts = config.get("MaxAttempts", waiter.max_attempts)
    if isinstance(attempts, bool) or not isinstance(attempts, int) or attempts < 1:
        problem = f"WaiterConfig.MaxAttempts is {attempts!r:.100}, not an integer from 1 on"
        raise ParamValidationError(waiter.operation, [problem])
    return delay, attempts
