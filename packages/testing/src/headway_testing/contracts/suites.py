"""The suite of each port."""

from collections.abc import Mapping

from headway_testing.contracts.agents import AgentsContract
from headway_testing.contracts.forge import ForgeReaderContract
from headway_testing.contracts.forge_hosts import ForgeHostsContract
from headway_testing.contracts.forge_writer import ForgeWriterContract
from headway_testing.contracts.issues import IssueReaderContract
from headway_testing.contracts.ledger import LedgerContract
from headway_testing.contracts.locks import HostLocksContract
from headway_testing.contracts.scripts import ScriptsContract
from headway_testing.contracts.suite import PortContract
from headway_testing.contracts.supervisor import SupervisorContract
from headway_testing.contracts.time_and_ids import ClockContract, IdsContract
from headway_testing.contracts.webhooks import WebhookDecoderContract
from headway_testing.contracts.worktrees import WorktreesContract

SUITES: Mapping[type, type[PortContract]] = {
    suite.port: suite
    for suite in (
        AgentsContract,
        ClockContract,
        ForgeHostsContract,
        ForgeWriterContract,
        HostLocksContract,
        IdsContract,
        IssueReaderContract,
        LedgerContract,
        ForgeReaderContract,
        ScriptsContract,
        SupervisorContract,
        WebhookDecoderContract,
        WorktreesContract,
    )
}
