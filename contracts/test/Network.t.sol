// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

import {Bond} from "../src/Bond.sol";
import {EnclaveRegistry} from "../src/EnclaveRegistry.sol";
import {Network} from "../src/Network.sol";
import {TenseqManagement} from "../src/TenseqManagement.sol";
import {BondParams} from "../src/Types.sol";
import {KitTest} from "./kit/Kit.sol";
import {vm} from "./kit/Vm.sol";

contract NetworkTest is KitTest {
    function setUp() public override {
        deploy();
    }

    function test_theConstructorRefusesZeroAddresses() public {
        vm.expectRevert(Network.ZeroAddress.selector);
        new TenseqManagement(address(0), OPERATOR, params());
        vm.expectRevert(Network.ZeroAddress.selector);
        new TenseqManagement(GOVERNANCE, address(0), params());
        BondParams memory p = params();
        p.treasury = address(0);
        vm.expectRevert(Network.ZeroAddress.selector);
        new TenseqManagement(GOVERNANCE, OPERATOR, p);
    }

    function test_theConstructorRefusesBondTermsThatMakeNoSense() public {
        BondParams memory p = params();
        p.slashAmount = MINIMUM + 1;
        refuses(p);
        p = params();
        p.reporterShareBps = 5_001;
        refuses(p);
        p = params();
        p.withdrawalDelay = 1 days - 1;
        refuses(p);
        p = params();
        p.withdrawalDelay = 365 days + 1;
        refuses(p);
        p = BondParams(1, 1, 5_000, 365 days, TREASURY);
        new TenseqManagement(GOVERNANCE, OPERATOR, p);
        p = BondParams(0, 0, 0, 1 days, TREASURY);
        new TenseqManagement(GOVERNANCE, OPERATOR, p);
    }

    function refuses(BondParams memory p) private {
        vm.expectRevert(Bond.BadBondParams.selector);
        new TenseqManagement(GOVERNANCE, OPERATOR, p);
    }

    function test_governanceSetsTheGenesisOnce() public {
        vm.assertEq(management.genesisHash(), bytes32(0));
        vm.expectEmit(address(management));
        emit Network.GenesisSet(GENESIS);
        vm.prank(GOVERNANCE);
        management.setGenesis(GENESIS);
        vm.assertEq(management.genesisHash(), GENESIS);
        vm.assertEq(management.lastHash(), GENESIS);
        vm.assertEq(management.lastNumber(), 0);
        vm.expectRevert(Network.GenesisAlreadySet.selector);
        vm.prank(GOVERNANCE);
        management.setGenesis("another");
    }

    function test_aGenesisIsNotZeroAndNeedsAnEnclave() public {
        vm.expectRevert(Network.ZeroGenesis.selector);
        vm.prank(GOVERNANCE);
        management.setGenesis(0);
        for (uint256 i = 0; i < enclaves.length; i++) {
            revoke(enclaves[i]);
        }
        vm.expectRevert(EnclaveRegistry.NoSequencers.selector);
        vm.prank(GOVERNANCE);
        management.setGenesis(GENESIS);
    }

    function test_theDomainIsThatOfTheProtocol() public {
        vm.prank(GOVERNANCE);
        management.setGenesis(GENESIS);
        bytes32 expected = keccak256(
            abi.encode(
                keccak256(
                    "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract,bytes32 salt)"
                ),
                keccak256("tenseq"),
                keccak256("1"),
                block.chainid,
                address(management),
                GENESIS
            )
        );
        vm.assertEq(management.domainSeparator(), expected);
        (, string memory name, string memory version, uint256 id, address verifier, bytes32 salt,) =
            management.eip712Domain();
        vm.assertEq(name, "tenseq");
        vm.assertEq(version, "1");
        vm.assertEq(id, block.chainid);
        vm.assertEq(verifier, address(management));
        vm.assertEq(salt, GENESIS);
    }

    function test_theDomainKeepsTheChainIdOfTheGenesis() public {
        uint256 before = block.chainid;
        vm.chainId(before + 1);
        vm.prank(GOVERNANCE);
        management.setGenesis(GENESIS);
        (,,, uint256 id,,,) = management.eip712Domain();
        vm.assertEq(id, before);
    }

    function test_withoutAGenesisNothingHasADigest() public {
        vm.expectRevert(Network.GenesisNotSet.selector);
        management.registrationDigest(enclaves[0], 0);
        vm.expectRevert(Network.GenesisNotSet.selector);
        management.sealDigest(0, 0);
    }

    function test_whoIsNotGovernanceMayNotDoWhatGovernanceDoes() public {
        bytes memory refused = missingRole(OPERATOR, management.GOVERNANCE_ROLE());
        vm.expectRevert(refused);
        vm.prank(OPERATOR);
        management.setGenesis(GENESIS);
        vm.expectRevert(refused);
        vm.prank(OPERATOR);
        management.pause();
        vm.expectRevert(refused);
        vm.prank(OPERATOR);
        management.unpause();
        vm.expectRevert(refused);
        vm.prank(OPERATOR);
        management.grantSequencerEnclave(STRANGER);
        vm.expectRevert(refused);
        vm.prank(OPERATOR);
        management.revokeSequencerEnclave(enclaves[0]);
        vm.expectRevert(refused);
        vm.prank(OPERATOR);
        management.approveReplacement(1);
        vm.expectRevert(refused);
        vm.prank(OPERATOR);
        management.rejectReplacement(1, "");
    }

    function test_governanceHandsItsRoleOnAndAppointsOperators() public {
        bytes32 role = management.GOVERNANCE_ROLE();
        bytes32 operatorRole = management.OPERATOR_ROLE();
        vm.prank(GOVERNANCE);
        management.grantRole(role, STRANGER);
        vm.prank(STRANGER);
        management.revokeRole(role, GOVERNANCE);
        vm.prank(STRANGER);
        management.grantRole(operatorRole, REPORTER);
        vm.assertTrue(management.hasRole(operatorRole, REPORTER));
        vm.expectRevert(missingRole(GOVERNANCE, role));
        vm.prank(GOVERNANCE);
        management.grantSequencerEnclave(STRANGER);
        vm.expectRevert(missingRole(OPERATOR, role));
        vm.prank(OPERATOR);
        management.grantRole(operatorRole, OPERATOR);
    }

    function test_aPauseEnds() public {
        pause();
        vm.expectRevert(Pausable.EnforcedPause.selector);
        vm.prank(GOVERNANCE);
        management.grantSequencerEnclave(STRANGER);
        vm.prank(GOVERNANCE);
        management.unpause();
        grant(STRANGER);
    }
}
