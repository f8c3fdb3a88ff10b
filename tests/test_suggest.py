from cargo_sync.suggest import did_you_mean


def test_what_is_near() -> None:
    assert did_you_mean("nigthly", ["docs", "nightly"]) == 'did you mean "nightly"?'
    assert did_you_mean("photos", ["docs", "nightly"]) == ""
    assert did_you_mean("a" * 101, ["a" * 101]) == did_you_mean("b" * 100, ["b" * 101]) == ""


def test_an_old_name_means_the_new_one_where_that_is_known() -> None:
    renamed = {"events": "history"}
    assert did_you_mean("events", ["event", "history"], renamed) == 'did you mean "history"?'
    assert did_you_mean("events", ["status"], renamed) == ""
