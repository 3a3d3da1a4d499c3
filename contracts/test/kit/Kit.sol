// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IAccessControl} from "@openzeppelin/contracts/access/IAccessControl.sol";

import {TenseqManagement} from "../../src/TenseqManagement.sol";
import {BatchHeader, BondParams, Rollup, SealedHeader} from "../../src/Types.sol";
import {vm} from "./Vm.sol";

/// @notice A deployed contract with three bootstrapped enclaves, and hands to sign for them.
abstract contract Kit {
    address internal constant GOVERNANCE = address(0x60);
    address internal constant OPERATOR = address(0x09);
    address internal constant TREASURY = address(0x73);
    address internal constant REPORTER = address(0x4e90);
    address internal constant STRANGER = address(0x5742);
    bytes32 internal constant GENESIS = keccak256("genesis");
    uint128 internal constant MINIMUM = 32 ether;
    uint128 internal constant SLASH = 10 ether;
    uint16 internal constant SHARE = 2_000;
    uint32 internal constant DELAY = 14 days;
    uint256 internal constant ORDER =
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    TenseqManagement internal management;
    uint256[3] internal keys = [uint256(0xa1), 0xa2, 0xa3];
    address[3] internal enclaves;

    /// @dev Deployed and listed, but without a genesis.
    function deploy() internal {
        management = new TenseqManagement(GOVERNANCE, OPERATOR, params());
        for (uint256 i = 0; i < keys.length; i++) {
            enclaves[i] = vm.addr(keys[i]);
            grant(enclaves[i]);
        }
        vm.deal(OPERATOR, 1_000 ether);
        vm.roll(1_000);
    }

    function begin() internal {
        deploy();
        vm.prank(GOVERNANCE);
        management.setGenesis(GENESIS);
    }

    function params() internal pure returns (BondParams memory) {
        return BondParams(MINIMUM, SLASH, SHARE, DELAY, TREASURY);
    }

    function grant(address enclaveId) internal {
        vm.prank(GOVERNANCE);
        management.grantSequencerEnclave(enclaveId);
    }

    function revoke(address enclaveId) internal {
        vm.prank(GOVERNANCE);
        management.revokeSequencerEnclave(enclaveId);
    }

    function pause() internal {
        vm.prank(GOVERNANCE);
        management.pause();
    }

    function post(uint256 amount) internal {
        vm.prank(OPERATOR);
        management.postBond{value: amount}();
    }

    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function register(uint256 key) internal returns (address enclaveId) {
        enclaveId = vm.addr(key);
        bytes32 digest = management.registrationDigest(enclaveId, "measurement");
        management.registerEnclave(enclaveId, "measurement", signature(key, digest));
    }

    /// @dev A batch on a parent; what tells batches apart is the transaction root.
    function header(uint256 key, uint64 number, bytes32 parent, bytes32 txRoot)
        internal
        pure
        returns (BatchHeader memory)
    {
        return BatchHeader({
            parentHash: parent,
            number: number,
            time: 1_700_000_000_000,
            term: 3,
            producer: vm.addr(key),
            l1Number: 990,
            l1Hash: keccak256("l1"),
            txRoot: txRoot,
            stateRoot: keccak256("state")
        });
    }

    function seal(uint256 key, BatchHeader memory h, bytes32 root)
        internal
        view
        returns (SealedHeader memory)
    {
        bytes32 digest = management.sealDigest(management.batchHash(h), root);
        return SealedHeader({header: h, protocolRoot: root, seal: signature(key, digest)});
    }

    function sealedBy(uint256 key, bytes32 txRoot) internal view returns (SealedHeader memory) {
        return seal(key, header(key, 8, "parent", txRoot), "root");
    }

    function l1Hash(uint256 number) internal pure returns (bytes32) {
        return keccak256(abi.encode("l1", number));
    }

    /// @dev The rollup that comes next, of `count` batches.
    function nextRollup(uint64 count, bytes memory data) internal returns (Rollup memory r) {
        uint64 number = uint64(block.number) - 1;
        vm.setBlockhash(number, l1Hash(number));
        uint64 last = management.lastNumber();
        r = Rollup({
            firstNumber: last + 1,
            lastNumber: last + count,
            firstParentHash: management.lastHash(),
            lastHash: keccak256(abi.encode("batch", last + count)),
            protocolRoot: keccak256(abi.encode("root", last + count)),
            l1Number: number,
            l1Hash: l1Hash(number),
            dataHash: keccak256(data)
        });
    }

    function signRollup(uint256 key, Rollup memory r) internal view returns (bytes memory) {
        return signature(key, management.rollupDigest(r));
    }

    /// @dev As an account without code that begins the transaction.
    function publish(Rollup memory r, bytes memory sig, bytes memory data) internal {
        vm.prank(STRANGER, STRANGER);
        management.publishRollup(r, sig, data);
    }

    function missingRole(address account, bytes32 role) internal pure returns (bytes memory) {
        return abi.encodeWithSelector(
            IAccessControl.AccessControlUnauthorizedAccount.selector, account, role
        );
    }
}

/// @notice Tests that begin with a network.
abstract contract KitTest is Kit {
    function setUp() public virtual {
        begin();
    }
}
