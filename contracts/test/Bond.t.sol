// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Errors} from "@openzeppelin/contracts/utils/Errors.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

import {Bond} from "../src/Bond.sol";
import {TenseqManagement} from "../src/TenseqManagement.sol";
import {BondParams, SealedHeader} from "../src/Types.sol";
import {KitTest} from "./kit/Kit.sol";
import {vm} from "./kit/Vm.sol";

/// @notice Is paid, and asks again at once.
contract Greedy {
    TenseqManagement private immutable management;
    uint256 public attempts;

    constructor(TenseqManagement m) {
        management = m;
    }

    receive() external payable {
        attempts++;
        try management.collect(payable(address(this))) {} catch {}
        try management.withdrawBond(payable(address(this))) {} catch {}
    }
}

contract BondTest is KitTest {
    address payable private constant PAYEE = payable(address(0xbeef));

    function announce(uint256 amount) private {
        vm.prank(OPERATOR);
        management.requestWithdrawal(amount);
    }

    function withdraw(address payable to) private {
        vm.prank(OPERATOR);
        management.withdrawBond(to);
    }

    function report() private {
        reportAs(REPORTER);
    }

    function reportAs(address reporter) private {
        SealedHeader memory a = sealedBy(keys[0], "x");
        SealedHeader memory b = sealedBy(keys[0], "y");
        vm.prank(reporter);
        management.reportEquivocation(a, b);
    }

    function emptyTheList() private {
        for (uint256 i = 0; i < enclaves.length; i++) {
            revoke(enclaves[i]);
        }
    }

    function test_theTermsAreThoseOfTheDeployment() public view {
        vm.assertEq(keccak256(abi.encode(management.bondParams())), keccak256(abi.encode(params())));
    }

    function test_theOperatorPostsAtLeastTheMinimum() public {
        vm.assertFalse(management.isBonded());
        vm.expectRevert(abi.encodeWithSelector(Bond.BondTooSmall.selector, MINIMUM - 1, MINIMUM));
        post(MINIMUM - 1);
        vm.expectEmit(address(management));
        emit Bond.BondPosted(OPERATOR, MINIMUM);
        post(MINIMUM);
        post(1);
        vm.assertEq(management.bond(), MINIMUM + 1);
        vm.assertTrue(management.isBonded());
        vm.deal(STRANGER, MINIMUM);
        vm.expectRevert(missingRole(STRANGER, management.OPERATOR_ROLE()));
        vm.prank(STRANGER);
        management.postBond{value: MINIMUM}();
    }

    function test_whatIsAboveTheMinimumIsWithdrawnAfterTheDelay() public {
        post(MINIMUM + 5);
        vm.expectEmit(address(management));
        emit Bond.WithdrawalRequested(5, block.timestamp + DELAY);
        announce(5);
        (uint256 amount, uint256 readyAt) = management.pendingWithdrawal();
        vm.assertEq(amount, 5);
        vm.assertEq(readyAt, block.timestamp + DELAY);
        vm.assertTrue(management.isBonded());
        vm.warp(readyAt - 1);
        vm.expectRevert(abi.encodeWithSelector(Bond.WithdrawalNotReady.selector, readyAt));
        withdraw(PAYEE);
        vm.warp(readyAt);
        vm.expectEmit(address(management));
        emit Bond.BondWithdrawn(PAYEE, 5);
        withdraw(PAYEE);
        vm.assertEq(PAYEE.balance, 5);
        vm.assertEq(management.bond(), MINIMUM);
        (amount, readyAt) = management.pendingWithdrawal();
        vm.assertEq(amount, 0);
        vm.assertEq(readyAt, 0);
        vm.expectRevert(Bond.NothingToWithdraw.selector);
        withdraw(PAYEE);
    }

    function test_theMinimumStaysWhileAnEnclaveIsListed() public {
        post(MINIMUM + 5);
        vm.expectRevert(abi.encodeWithSelector(Bond.BondTooSmall.selector, MINIMUM - 1, MINIMUM));
        announce(6);
        vm.expectRevert(abi.encodeWithSelector(Bond.BondTooSmall.selector, 0, MINIMUM + 6));
        announce(MINIMUM + 6);
    }

    function test_withoutEnclavesEverythingIsWithdrawn() public {
        post(MINIMUM);
        emptyTheList();
        announce(MINIMUM);
        vm.assertFalse(management.isBonded());
        vm.warp(block.timestamp + DELAY);
        withdraw(PAYEE);
        vm.assertEq(PAYEE.balance, MINIMUM);
        vm.assertEq(management.bond(), 0);
    }

    function test_aRequestFromBeforeTheLastRevocationDoesNotCount() public {
        deploy();
        emptyTheList();
        post(MINIMUM);
        announce(MINIMUM);
        vm.warp(block.timestamp + DELAY);
        grant(enclaves[0]);
        vm.expectRevert(abi.encodeWithSelector(Bond.BondTooSmall.selector, 0, MINIMUM));
        withdraw(PAYEE);
        revoke(enclaves[0]);
        vm.expectRevert(abi.encodeWithSelector(Bond.BondTooSmall.selector, 0, MINIMUM));
        withdraw(PAYEE);
        announce(MINIMUM);
        vm.warp(block.timestamp + DELAY);
        withdraw(PAYEE);
        vm.assertEq(PAYEE.balance, MINIMUM);
    }

    function test_aNewRequestStartsTheDelayAgainAndZeroTakesItBack() public {
        post(MINIMUM + 5);
        announce(5);
        vm.warp(block.timestamp + DELAY);
        announce(4);
        vm.expectRevert(
            abi.encodeWithSelector(Bond.WithdrawalNotReady.selector, block.timestamp + DELAY)
        );
        withdraw(PAYEE);
        announce(0);
        vm.warp(block.timestamp + DELAY);
        vm.expectRevert(Bond.NothingToWithdraw.selector);
        withdraw(PAYEE);
    }

    function test_anAnnouncedWithdrawalIsSlashedToo() public {
        post(MINIMUM);
        emptyTheList();
        announce(MINIMUM);
        report();
        vm.warp(block.timestamp + DELAY);
        withdraw(PAYEE);
        vm.assertEq(PAYEE.balance, MINIMUM - SLASH);
        vm.assertEq(management.bond(), 0);
    }

    function test_aSlashIsDividedBetweenReporterAndTreasury() public {
        post(MINIMUM);
        vm.expectEmit(address(management));
        emit Bond.BondSlashed(SLASH, REPORTER, 2 ether);
        report();
        vm.assertEq(management.bond(), MINIMUM - SLASH);
        vm.assertFalse(management.isBonded());
        vm.assertEq(management.owed(REPORTER), 2 ether);
        vm.assertEq(management.owedToTreasury(), 8 ether);
        vm.expectEmit(address(management));
        emit Bond.Collected(REPORTER, 2 ether);
        management.collect(payable(REPORTER));
        management.collectForTreasury();
        vm.assertEq(REPORTER.balance, 2 ether);
        vm.assertEq(TREASURY.balance, 8 ether);
        vm.assertEq(address(management).balance, management.bond());
        vm.expectRevert(Bond.NothingOwed.selector);
        management.collect(payable(REPORTER));
        vm.expectRevert(Bond.NothingOwed.selector);
        management.collectForTreasury();
    }

    function test_withoutABondTheProofCountsAndNothingIsTaken() public {
        vm.expectEmit(address(management));
        emit Bond.BondSlashed(0, REPORTER, 0);
        report();
        vm.assertEq(management.owed(REPORTER), 0);
        vm.assertEq(management.owedToTreasury(), 0);
    }

    function test_afterAFirstSlashOnlyWhatIsLeftIsTaken() public {
        post(MINIMUM);
        for (uint64 n = 1; n <= 4; n++) {
            bytes32 parent = keccak256(abi.encode(n));
            SealedHeader memory a = seal(keys[0], header(keys[0], n, parent, "x"), "root");
            SealedHeader memory b = seal(keys[1], header(keys[1], n, parent, "y"), "root");
            vm.prank(REPORTER);
            management.reportEquivocation(a, b);
        }
        vm.assertEq(management.bond(), 0);
        vm.assertEq(management.owed(REPORTER), MINIMUM / 5);
        vm.assertEq(management.owedToTreasury(), MINIMUM - MINIMUM / 5);
    }

    function test_aGreedyReporterIsPaidOnce() public {
        post(MINIMUM);
        Greedy greedy = new Greedy(management);
        bytes32 role = management.OPERATOR_ROLE();
        vm.prank(GOVERNANCE);
        management.grantRole(role, address(greedy));
        reportAs(address(greedy));
        management.collect(payable(address(greedy)));
        vm.assertEq(greedy.attempts(), 1);
        vm.assertEq(address(greedy).balance, 2 ether);
        post(SLASH + 5);
        announce(5);
        vm.warp(block.timestamp + DELAY);
        withdraw(payable(address(greedy)));
        vm.assertEq(greedy.attempts(), 2);
        vm.assertEq(address(greedy).balance, 2 ether + 5);
        vm.assertEq(address(management).balance, MINIMUM + 8 ether);
    }

    function test_whoCannotBePaidKeepsItsClaim() public {
        post(MINIMUM);
        reportAs(address(this));
        vm.expectRevert(Errors.FailedCall.selector);
        management.collect(payable(address(this)));
        vm.assertEq(management.owed(address(this)), 2 ether);
    }

    function test_aPauseStopsWithdrawalsButNotProofsAndPayments() public {
        post(MINIMUM + 5);
        announce(5);
        vm.warp(block.timestamp + DELAY);
        pause();
        vm.expectRevert(Pausable.EnforcedPause.selector);
        withdraw(PAYEE);
        report();
        management.collect(payable(REPORTER));
        management.collectForTreasury();
    }

    function test_onlyTheOperatorWithdraws() public {
        bytes memory refused = missingRole(GOVERNANCE, management.OPERATOR_ROLE());
        vm.expectRevert(refused);
        vm.prank(GOVERNANCE);
        management.requestWithdrawal(0);
        vm.expectRevert(refused);
        vm.prank(GOVERNANCE);
        management.withdrawBond(PAYEE);
    }

    function testFuzz_aSlashIsDividedWithoutLoss(uint128 minimum, uint128 slash, uint16 share)
        public
    {
        minimum = minimum % 1_000_000 ether;
        slash = slash % (minimum + 1);
        share = share % 5_001;
        management = new TenseqManagement(
            GOVERNANCE, OPERATOR, BondParams(minimum, slash, share, DELAY, TREASURY)
        );
        for (uint256 i = 0; i < enclaves.length; i++) {
            grant(enclaves[i]);
        }
        vm.prank(GOVERNANCE);
        management.setGenesis(GENESIS);
        vm.deal(OPERATOR, minimum);
        post(minimum);
        report();
        vm.assertEq(management.owed(REPORTER), uint256(slash) * share / 10_000);
        vm.assertEq(management.owed(REPORTER) + management.owedToTreasury(), slash);
        vm.assertEq(management.bond(), minimum - slash);
    }
}
