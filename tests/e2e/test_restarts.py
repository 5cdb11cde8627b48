# SPDX-License-Identifier: GPL-3.0-or-later
"""What dies in the middle: the daemon, the board, the configuration. The energy is there all the
same.
"""

from tests.e2e.test_outages import SENSOR, assert_whole, started
from tools.harness.chain import SENSORS


def energy(server):
    held = server.held(SENSOR)
    return held[-1][1] - held[0][1]


def test_daemon_killed_and_restarted(household, server):
    chain = started(household, digits=None)
    for _ in range(3):
        chain.run(17)
        chain.kill()
        chain.run(11)  # nobody reads, the board counts on
        chain.start()
        chain.run(25)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert_whole(chain, server)
    assert energy(server) >= 3 * 53 - 3


def test_daemon_killed_while_the_server_answers(household, server):
    """The tuples are stored and the daemon never hears of it; repeated tuples agree with those
    held.
    """
    chain = started(household)
    for _ in range(4):
        server.misbehave("stall", at="answer")
        at = len(server.requests)
        chain.run_until(lambda at=at: len(server.requests) > at, limit_s=3700, step_s=2)
        chain.kill()
        server.behave()
        chain.start()
        chain.run(12)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert_whole(chain, server)


def test_daemon_killed_during_an_outage_keeps_what_was_saved(household, server):
    chain = started(household)
    server.down()
    chain.run(400)  # saved at least once in five minutes
    chain.kill()
    chain.start()
    chain.run(10)
    server.up()
    at = len(server.requests)
    chain.run_until(lambda: len(server.requests) > at + 1, limit_s=3700, step_s=10)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    held = server.held(SENSOR)
    assert held[-1][1] == chain.counters()[0] and not server.store.conflicts
    gaps = [later[0] - earlier[0] for earlier, later in zip(held, held[1:], strict=False)]
    assert max(gaps) <= 301


def assert_steps(chain, server, used_wh):
    """What was used between is there, but for a Wh or two that the board itself may lose."""
    held = server.held(SENSOR)
    assert held[-1][1] == chain.counters()[0] >= used_wh
    assert not server.store.conflicts
    steps = [later[1] - earlier[1] for earlier, later in zip(held, held[1:], strict=False)]
    assert min(steps) >= -2


def test_board_reset_in_the_middle(household, server):
    chain = started(household, digits=None)
    before = chain.counters()[0]
    chain.control.ask("reset")
    chain.run(30)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert_steps(chain, server, before + 28)


def test_power_cut_in_the_middle(household, server):
    chain = started(household, digits=None)
    before = chain.counters()[0]
    chain.control.ask("supply 4000")  # the capacitors' charge is left: the board saves
    chain.run(0.3)
    chain.control.ask("cut")
    chain.run(5)
    chain.control.ask("supply 5000")
    chain.control.ask("power")
    chain.run(30)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert_steps(chain, server, before + 27)


def test_historic_board_reset_shows_its_own_loss_and_no_more(household, server):
    """Without a brown-out a historic board goes back to its last `ct`, and the tuples say so."""
    chain = started(household)
    chain.run(30)
    chain.control.ask("reset")
    chain.run(30)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    held = server.held(SENSOR)
    assert (
        held[-1][1] == chain.counters()[0]
        and not server.store.conflicts
        and not server.store.violations
    )


def test_settings_survive_a_board_that_lost_them(household, server):
    chain = started(household)
    chain.board.board.enabled = [0] * 6
    chain.board.board.constant = [1] * 6
    chain.kill()
    chain.start()
    chain.run(30)
    assert chain.board.board.enabled[0] == 1 and chain.board.board.constant[0] == 5163
    assert chain.board.board.commits >= 2


def test_settings_in_line_are_not_committed_again(household, server):
    chain = started(household)
    assert chain.stop() == 0
    commits = chain.board.board.commits
    chain.start()
    chain.run(20)
    assert chain.stop() == 0
    assert chain.board.board.commits == commits == 1


def test_damaged_delta_is_never_believed(household, server):
    """A reply that is damaged on the way: the counters are asked one by one, nothing is missing."""
    chain = started(household, sensors=(1, 2, 3, 4, 5))
    board = chain.board.board
    chain.control.ask("pulse 0 60 1000000")
    original, damaged = board.byte, []

    def noisy(mosi):
        miso = original(mosi)
        if miso and len(board._out) == 20 and len(damaged) < 12:
            damaged.append(board.now_us)
            return miso ^ 0x04
        return miso

    board.byte = noisy
    chain.run(70)
    board.byte = original
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert len(damaged) == 12
    asked = [transfer.data[:5] for transfer in chain.board.transfers]
    assert all(asked.count(b"lgc0%d" % n) >= 2 for n in range(5))
    assert server.held(SENSORS[3])[-1][1] == 60
    assert_whole(chain, server)


def test_config_with_errors_stops_the_start(household, server):
    chain = household(digits=22)
    (chain.folder / "flukso").write_text(
        "config sensor 'x'\n\toption enable 'maybe\n\toption constant '70000'\n\tlist port '9'\n"
    )
    from tools.harness.processes import Program

    daemon = Program(
        [
            *chain.command,
            "daemon",
            "--config",
            chain.folder / "flukso",
            "--bus",
            chain.board.bus_url,
        ]
    )
    try:
        assert daemon.wait(20) == 2
    finally:
        daemon.kill()
    assert ":2:" in daemon.log() and chain.board.transfers == []


def test_config_is_read_again_on_sighup(household, server):
    import signal

    chain = started(household, sensors=(1,))
    chain.sensors = (1, 2)
    chain.configure()
    chain.daemon.signal(signal.SIGHUP)
    chain.run_until(lambda: "configuration was read again" in chain.log(), limit_s=30)
    chain.clamp(7200, 2)
    chain.run(30)
    chain.rest()
    assert chain.stop() == 0, chain.log()
    assert server.held(SENSORS[1])[-1][1] == chain.counters()[1] > 30
    assert_whole(chain, server)


def test_second_daemon_on_the_same_board_does_no_harm(household, server):
    """Two masters on the simulator's bus: the transfers do not interleave, and no wrong value is
    believed.
    """
    chain = started(household)
    from tools.harness.bus import Bus

    bus = Bus(chain.board.bus_url)
    for _ in range(20):
        bus.transfer(b"l", 300)
        chain.run(0.9)
    bus.close()
    chain.rest()
    assert chain.stop() == 0
    assert_whole(chain, server)
