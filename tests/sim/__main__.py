"""`python -m tests.sim`: a campaign, or one seed with its trace."""

import click

from tests.sim import campaign
from tests.sim.tiers import TIERS


@click.command()
@click.option("--seeds", default=10_000, show_default=True, help="How many of the planners' tiers.")
@click.option("--from", "first", default=0, help="The first seed.")
@click.option("--jobs", default=1, help="How many processes.")
@click.option("--tier", type=click.Choice(list(TIERS)), help="Only this tier.")
@click.option("--seed", type=int, help="Replays one seed of a tier, and says what comes of it.")
@click.option("--trace", is_flag=True, help="With --seed: prints its shortest trace that fails.")
def main(
    seeds: int, first: int, jobs: int, tier: str | None, seed: int | None, trace: bool
) -> None:
    """Simulates jobs from seeds: the planners, then the other tiers on a tenth of the seeds.

    With --tier all seeds are for one of them.
    """
    chosen = [TIERS[tier]] if tier else list(TIERS.values())
    if seed is not None:
        with chosen[0].ready() as tell:
            verdict = campaign.shortest(tell, seed) if trace else tell(seed)
            campaign.print_trace(verdict if trace else verdict._replace(trace=()))
        raise SystemExit(bool(verdict.failure))
    total, missing = campaign.NOTHING, 0
    for one in chosen:
        count = seeds if tier else max(1, seeds // one.share)
        summary = campaign.run(one, first, count, jobs)
        campaign.report(one, summary)
        total += summary
        missing += len(summary.missing(one))
    campaign.finish(total, missing)


if __name__ == "__main__":
    main()
