from datetime import date
from pathlib import Path

import pytest

from station.config.limits import limits_sha256, resolved_limits
from station.config.loader import load_product

TODAY = date(2026, 6, 15)
SHIPPED = Path(__file__).parents[2] / "configs/products/400gbase-dr4.yaml"
NO_LAYERS = "  customer: {}\n"
NO_WAIVERS = "  waivers: []\n"


@pytest.fixture
def product(tmp_path):
    def build(customer="", waivers=""):
        text = SHIPPED.read_text()
        if customer:
            text = text.replace(NO_LAYERS, f"  customer:\n    {customer}\n")
        if waivers:
            text = text.replace(NO_WAIVERS, f"  waivers:\n    - {waivers}\n")
        path = tmp_path / "product.yaml"
        path.write_text(text)
        return load_product(path).value

    return build


STRICTER = 'tx_oma_outer: {lower: 0.2, source: "purchase specification", confidence: S}'
WAIVER = "{measurement: tx_oma_outer, lower: -1.5, name: J. Example, reason: lot 12, expires: 2026-06-15}"


def test_the_standard_holds_where_no_layer_says_otherwise(product):
    limit = resolved_limits(product(), TODAY)["tx_average_power"]
    assert (limit.unit, limit.per, limit.layer, limit.confidence) == ("dBm", "lane", "standard", "S")
    assert (limit.lower.expression.constant, limit.upper.expression.constant) == (-2.9, 4.0)
    assert limit.confirmed


def test_a_customer_overrules_one_bound_and_keeps_the_other(product):
    limit = resolved_limits(product(customer=STRICTER), TODAY)["tx_oma_outer"]
    assert limit.lower.expression.constant == 0.2
    assert limit.lower.layer == "customer"
    assert limit.upper.expression.constant == 4.2
    assert limit.upper.layer == "standard"
    assert limit.source.startswith("purchase specification; IEEE 802.3")
    assert limit.unit == "dBm"


def test_a_waiver_holds_to_its_last_day_and_no_longer(product):
    waived = product(customer=STRICTER, waivers=WAIVER)
    last = resolved_limits(waived, date(2026, 6, 15))["tx_oma_outer"]
    assert last.lower.expression.constant == -1.5
    assert last.source.startswith("waiver by J. Example until 2026-06-15: lot 12")
    after = resolved_limits(waived, date(2026, 6, 16))["tx_oma_outer"]
    assert after.lower.expression.constant == 0.2


def test_the_weaker_confidence_of_two_bounds_counts(product):
    row = 'tx_oma_outer: {lower: 0.2, source: "a guess", confidence: "M?"}'
    limit = resolved_limits(product(customer=row), TODAY)["tx_oma_outer"]
    assert limit.confidence == "M?"
    assert not limit.confirmed
    assert not limit.lower.confirmed
    assert limit.upper.confirmed


def test_rows_from_memory_are_unconfirmed(product):
    limits = resolved_limits(product(), TODAY)
    assert {name for name, limit in limits.items() if not limit.confirmed} == {
        "tx_transition_time",
        "rx_sensitivity",
    }


def test_a_record_only_row_has_no_bounds(product):
    row = 'tx_vpp: {unit: V, per: lane, record_only: true, source: "for the curve", confidence: S}'
    limit = resolved_limits(product(customer=row), TODAY)["tx_vpp"]
    assert limit.record_only
    assert limit.bounds == ()
    assert limit.source == "for the curve"


def test_the_hash_tells_equal_limits_from_changed_ones(product):
    plain = limits_sha256(resolved_limits(product(), TODAY))
    assert plain == limits_sha256(resolved_limits(product(), date(2030, 1, 1)))
    assert plain != limits_sha256(resolved_limits(product(customer=STRICTER), TODAY))
    waived = product(waivers=WAIVER)
    assert limits_sha256(resolved_limits(waived, TODAY)) != limits_sha256(
        resolved_limits(waived, date(2026, 6, 16))
    )


def test_resolved_limits_cannot_be_changed(product):
    with pytest.raises(TypeError):
        resolved_limits(product(), TODAY)["tx_tdecq"] = None


def test_lane_is_a_limit_of_its_own(product):
    limit = resolved_limits(product(), TODAY)["tx_lane_order"]
    assert limit.lower.expression.evaluate({"lane": 3}) == 3.0
    assert limit.names == {"lane"}
