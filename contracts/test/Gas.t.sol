// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Rollup, SealedHeader} from "../src/Types.sol";
import {KitTest} from "./kit/Kit.sol";
import {vm} from "./kit/Vm.sol";

/// @notice What transactions cost, and that they stay under what the project promises. Each call is a
///         transaction of its own, with nothing warmed up before it. What is noted is the whole of its
///         gas without that of its input's bytes (16 for each that is not zero, 4 for each that is).
/// forge-config: default.isolate = true
contract GasTest is KitTest {
    uint256 private constant PROOF_MAX = 150_000;
    uint256 private constant PUBLISH_MAX = 80_000;

    function setUp() public override {
        super.setUp();
        post(MINIMUM);
    }

    /// @dev Gas of the last call without its input, and of the input alone.
    function lastGas(bytes memory input) private view returns (uint256 gas, uint256 inputGas) {
        for (uint256 i = 0; i < input.length; i++) {
            inputGas += input[i] == 0 ? 4 : 16;
        }
        gas = vm.lastCallGas().gasTotalUsed - inputGas;
    }

    function note(string memory name, bytes memory input) private returns (uint256 gas) {
        uint256 inputGas;
        (gas, inputGas) = lastGas(input);
        vm.snapshotValue("gas", name, gas);
        vm.snapshotValue("gas", string.concat(name, ", input"), inputGas);
    }

    function send(address from, bytes memory input, uint256 value) private {
        vm.prank(from, from);
        (bool isDone,) = address(management).call{value: value}(input);
        vm.assertTrue(isDone);
    }

    function measure(string memory name, address from, bytes memory input)
        private
        returns (uint256)
    {
        send(from, input, 0);
        return note(name, input);
    }

    function test_proofOfEquivocation() public {
        SealedHeader memory a = sealedBy(keys[0], "x");
        SealedHeader memory b = sealedBy(keys[1], "y");
        SealedHeader memory c = sealedBy(keys[2], "z");
        bytes memory input = abi.encodeCall(management.reportEquivocation, (a, b));
        uint256 gas = measure("reportEquivocation, slashes", REPORTER, input);
        (, uint256 inputGas) = lastGas(input);
        vm.assertLt(gas + inputGas, PROOF_MAX);
        input = abi.encodeCall(management.reportEquivocation, (a, c));
        measure("reportEquivocation, the same parent again", REPORTER, input);
        measure("collect", STRANGER, abi.encodeCall(management.collect, (payable(REPORTER))));
        measure("collectForTreasury", STRANGER, abi.encodeCall(management.collectForTreasury, ()));
    }

    /// @dev Bytes that do not compress, as those of a rollup.
    function columns(uint256 size) private pure returns (bytes memory data) {
        data = new bytes(size);
        for (uint256 i = 0; i < size; i++) {
            data[i] = keccak256(abi.encode(i / 32))[i % 32];
        }
    }

    function publishes(string memory name, uint256 size) private returns (uint256) {
        bytes memory data = columns(size);
        Rollup memory r = nextRollup(12_770, data);
        return measure(
            name,
            OPERATOR,
            abi.encodeCall(management.publishRollup, (r, signRollup(keys[0], r), data))
        );
    }

    function test_rollups() public {
        vm.assertLt(publishes("publishRollup, the first, 640 bytes", 640), PUBLISH_MAX);
        vm.assertLt(publishes("publishRollup, 640 bytes", 640), PUBLISH_MAX);
        publishes("publishRollup, 24,000 bytes", 24_000);
        publishes("publishRollup, 120,000 bytes", 120_000);
    }

    function test_rollBack() public {
        Rollup[] memory dropped = new Rollup[](1);
        Rollup memory kept = nextRollup(10, "");
        publish(kept, signRollup(keys[0], kept), "");
        dropped[0] = nextRollup(10, "");
        publish(dropped[0], signRollup(keys[0], dropped[0]), "");
        measure(
            "rollBackRollups, of one",
            GOVERNANCE,
            abi.encodeCall(management.rollBackRollups, (kept, dropped))
        );
    }

    function test_registry() public {
        address id = vm.addr(0xb1);
        bytes memory sig = signature(0xb1, management.registrationDigest(id, "m"));
        measure(
            "registerEnclave", STRANGER, abi.encodeCall(management.registerEnclave, (id, "m", sig))
        );
        measure(
            "grantSequencerEnclave",
            GOVERNANCE,
            abi.encodeCall(management.grantSequencerEnclave, (id))
        );
        measure(
            "revokeSequencerEnclave",
            GOVERNANCE,
            abi.encodeCall(management.revokeSequencerEnclave, (id))
        );
    }

    function test_replacement() public {
        address id = register(0xb1);
        measure(
            "requestReplacement",
            OPERATOR,
            abi.encodeCall(management.requestReplacement, (enclaves[0], id, "bad seal at batch 7"))
        );
        measure(
            "approveReplacement", GOVERNANCE, abi.encodeCall(management.approveReplacement, (1))
        );
    }

    function test_bond() public {
        bytes memory input = abi.encodeCall(management.postBond, ());
        send(OPERATOR, input, 1 ether);
        note("postBond", input);
        measure(
            "requestWithdrawal", OPERATOR, abi.encodeCall(management.requestWithdrawal, (1 ether))
        );
        vm.warp(block.timestamp + DELAY);
        address payable to = payable(address(0xbeef));
        measure("withdrawBond", OPERATOR, abi.encodeCall(management.withdrawBond, (to)));
    }
}
