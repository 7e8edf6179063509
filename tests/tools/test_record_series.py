from __future__ import annotations

import http.server
import threading
from typing import TYPE_CHECKING

import pytest

from tests.recorded.series import SCENARIOS, SCRAPE_SECONDS, recorded, values
from tools import record_series
from tools.record_series import KEPT, plain, scrape, shortened, written

if TYPE_CHECKING:
    from collections.abc import Iterator

METRICS = """\
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0"} 3.0
vllm:request_params_n_sum{engine="0"} 7.0
vllm:time_to_first_token_seconds_sum{engine="0"} 0.12345678
"""


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["1", "2", "2"], "1 2 2"),
        (["5", "5", "5", "5"], "5+0x3"),
        (["_", "_", "1", "_"], "_x2 1 _"),
        ([], ""),
    ],
)
def test_values_are_written_as_promtool_reads_them(values: list[str], text: str) -> None:
    assert shortened(values) == text


def test_a_recording_has_a_line_for_each_series_and_a_place_for_each_scrape() -> None:
    assert written([{"b": "1"}, {"a": "2", "b": "1"}]) == "a _ 2\nb 1 1\n"


def test_numbers_are_short() -> None:
    assert [plain(3.0), plain(0.12345678), plain(1e9)] == ["3", "0.123457", "1000000000"]


def test_what_nobody_asks_for_is_left_out() -> None:
    assert KEPT.fullmatch("vllm:time_to_first_token_seconds_bucket")
    assert not KEPT.fullmatch("vllm:request_success_created")
    assert not KEPT.fullmatch("python_info")


class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(METRICS.encode())

    def log_message(self, _format: str, *_args: object) -> None:
        pass


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[http.server.HTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    monkeypatch.setattr(record_series, "PORT", server.server_address[1])
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_scrape_keeps_what_is_asked_for(engine: http.server.HTTPServer) -> None:
    assert scrape() == {
        "up": "1",
        'vllm:num_requests_running{engine="0"}': "3",
        'vllm:time_to_first_token_seconds_sum{engine="0"}': "0.123457",
    }


def test_a_server_that_does_not_answer_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_series, "PORT", 1)
    assert scrape() == {"up": "0"}


@pytest.mark.parametrize("scenario", record_series.SCENARIOS)
def test_a_recording_is_as_long_as_its_scenario(scenario: str) -> None:
    seconds = sum(phase.seconds for phase in record_series.SCENARIOS[scenario])
    lengths = {len(series.values) for series in recorded(scenario)}
    assert lengths == {seconds // record_series.SCRAPE_SECONDS}
    assert all(KEPT.fullmatch(series.name) for series in recorded(scenario))


def test_every_scenario_is_recorded() -> None:
    assert set(record_series.SCENARIOS) == set(SCENARIOS)
    assert record_series.SCRAPE_SECONDS == SCRAPE_SECONDS


@pytest.mark.parametrize(
    ("scenario", "code", "least"),
    [("healthy", "200", 900), ("overload", "503", 1000), ("errors", "500", 300)],
)
def test_clients_saw_what_the_scenario_is_about(scenario: str, code: str, least: int) -> None:
    assert (values(scenario, "client_requests_total", code=code)[-1] or 0) > least
    other = {s.labels["code"] for s in recorded("healthy") if s.name == "client_requests_total"}
    assert other == {"200"}
