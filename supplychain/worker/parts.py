"""The two parts of a run, in durable steps: what needs no key, and what signs and records."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from supplychain.bootstrap import parts, runs, targets, trust
from supplychain.bootstrap.policies import of_organisation
from supplychain.errors import ConflictError
from supplychain.frozen import dataclass
from supplychain.gate.policy import Policy
from supplychain.model.digest import Digest
from supplychain.model.runs import Duty, RunState
from supplychain.pipeline import drafts
from supplychain.pipeline.drafts import Draft
from supplychain.pipeline.judge import judge
from supplychain.pipeline.provenance import Purpose
from supplychain.pipeline.seal import Sealing
from supplychain.pipeline.stages import Stages
from supplychain.pipeline.target import Target
from supplychain.records.record import Record
from supplychain.settings import Settings
from supplychain.worker.engine import Json, Step
from supplychain.worker.held import Held, HeldProgress


@dataclass(frozen=True, slots=True)
class Pipelines:
    """Does the parts of runs as the settings say.

    Attributes:
        settings: All settings.
        record: The record; of which project says the run.
        clock: The time now (aware, UTC).
    """

    settings: Settings
    record: Record
    clock: Callable[[], datetime]

    def perform(self, held: Held, step: Step) -> None:
        """Do the part of a run that is next.

        Raises:
            SupplyChainError: A stage refused; then nothing was recorded.
        """
        with ExitStack() as stack:
            work = _Work(self, held, stack)
            if held.run.duty is Duty.SCAN:
                _scan(work, step)
            else:
                _sign(work, step)


class _Work:
    """What the steps of a part share: made when the first of them needs it, and again elsewhere."""

    def __init__(self, owner: Pipelines, held: Held, stack: ExitStack) -> None:
        self._stack = stack
        self.held = held
        self.run = held.run
        self.clock = owner.clock
        self.record = owner.record.held_by(held.claim, held.run.project)
        own = of_organisation(owner.settings, self.record.organisation)
        # What one project's images left in a cache is not believed for another's.
        self.settings = own.but(project=f"project-{held.run.project}")
        self.progress = HeldProgress(held)
        self.digest, self.tag = held.run.digest, held.run.tag

    @cached_property
    def policy(self) -> Policy | None:
        """That of the environment; None where there is none, or nowhere was named."""
        named = self.run.request.environment
        return trust.policy_of(self.settings, named, None) if named else None

    @cached_property
    def purpose(self) -> Purpose:
        """What the run is for."""
        return Purpose(self.run.request.environment, self.policy.digest if self.policy else None)

    @cached_property
    def target(self) -> Target:
        """The image: from the first look on exactly this digest."""
        asked, digest = self.run.request, self.digest
        text = runs.at_digest(asked.reference, digest) if digest else asked.reference
        platform = asked.platform or None
        opened = targets.target(self.settings, text, platform=platform)
        found = self._stack.enter_context(opened)
        if digest is not None and found.image.subject.digest != digest:
            raise ConflictError(
                f"{asked.reference} is another image than when the run began",
                because=f"it was {digest} and is {found.image.subject.digest}",
                hint="submit it again",
            )
        return replace(found, tag=self.tag) if digest is not None else found

    @cached_property
    def stages(self) -> Stages:
        """The stages, about the image."""
        pipeline = parts.pipeline(self.settings, self.record, self.progress)
        return Stages(pipeline, self.record.content, self.target, self.held.hold)

    @cached_property
    def sealing(self) -> Sealing:
        """Who signs: nobody, where that is not wanted."""
        sign = self.run.request.sign
        return trust.sealing(self.settings, self.policy, sign=sign, ask=lambda _: None)

    def resolve(self) -> Json:
        """Find out, once, what the reference stands for."""
        self.progress.start("resolve", self.run.request.reference)
        image, tag = self.target.image, self.target.tag
        at = self.clock()
        self.held.queue.resolved(self.held.claim, image.subject.digest, tag, at=at)
        self.progress.finish(f"{image.subject.digest}")
        platforms: list[Json] = [str(one.subject.digest) for one in image.images]
        return {
            "digest": str(image.subject.digest),
            "tag": tag,
            "platforms": platforms,
            "at": at.isoformat(),
        }

    def examine(self, platform: str) -> Json:
        """Fetch, verify and scan one platform."""
        examiner = parts.examiner(self.settings, self.progress, self.held.stopped)
        return str(self.stages.examine(Digest.parse(platform), examiner))

    def describe(self, platform: str, examined: str) -> Json:
        """Describe one platform."""
        return str(self.stages.describe(Digest.parse(platform), Digest.parse(examined)))

    def draft(self, resolved: dict[str, Json], learnt: list[str]) -> Json:
        """Put together what is to be signed."""
        draft = Draft(
            Digest.parse(str(resolved["digest"])),
            self.purpose,
            datetime.fromisoformat(str(resolved["at"])),
            tuple(map(Digest.parse, learnt)),
        )
        return str(drafts.put(self.record.content, draft))

    def sign(self, draft: Draft) -> Json:
        """Sign and attach."""
        self.sealing.require_key()
        return str(self.stages.sign(draft, self.sealing))

    def keep(self, draft: Draft, signed: str | None) -> Json:
        """Verify and record."""
        self.stages.record(draft, self.sealing, Digest.parse(signed) if signed else None)
        return None

    def judge(self, draft: Draft) -> Json:
        """Ask the gate."""
        named = self.run.request.environment
        subject = self.target.image.subject
        self.progress.start("judge", f"{draft.image} for {named}")
        judged = judge(self.record, subject, self.policy, environment=named, at=self.clock())
        self.progress.finish(f"{judged.decision.verdict} in {named}")
        return str(judged.identity)


def _scan(work: _Work, step: Step) -> None:
    """What needs no key: resolve, fetch and scan, describe."""
    resolved = step("resolve", work.resolve)
    if not isinstance(resolved, dict):
        raise TypeError("a step gave something else than it did before")
    work.digest = Digest.parse(str(resolved["digest"]))
    work.tag = str(resolved["tag"]) if resolved["tag"] else None
    listed = resolved["platforms"]
    platforms = [str(one) for one in listed] if isinstance(listed, list) else []
    # All platforms are looked at before anything is done with the first.
    examined = [(one, str(step(f"scan {one}", _of(work.examine, one)))) for one in platforms]
    learnt = [
        str(step(f"describe {one}", _of(work.describe, one, found))) for one, found in examined
    ]
    name = str(step("draft", lambda: work.draft(resolved, learnt)))
    if work.run.request.sign:
        work.held.patiently("hand over", lambda: _hand_over(work, name))
    else:
        _record(work, step, _drafted(work, name), None)


def _hand_over(work: _Work, draft: str) -> None:
    work.held.queue.hand_over(work.held.claim, Digest.parse(draft), at=work.clock())


def _drafted(work: _Work, name: str) -> Draft:
    digest, content = Digest.parse(name), work.record.content
    return work.held.patiently("draft", lambda: drafts.get(content, digest, Draft))


def _sign(work: _Work, step: Step) -> None:
    """What needs the key: sign and attach, verify and record, judge."""
    draft = _drafted(work, str(work.run.draft))
    signed = str(step("sign", lambda: work.sign(draft)))
    _record(work, step, draft, signed)


def _record(work: _Work, step: Step, draft: Draft, signed: str | None) -> None:
    step("record", lambda: work.keep(draft, signed))
    decision = None
    if work.run.request.environment:
        decision = Digest.parse(str(step("judge", lambda: work.judge(draft))))
    work.held.patiently(
        "end",
        lambda: work.held.queue.end(
            work.held.claim, RunState.SUCCEEDED, at=work.clock(), decision=decision
        ),
    )


def _of(function: Callable[..., Json], *arguments: str) -> Callable[[], Json]:
    return lambda: function(*arguments)
