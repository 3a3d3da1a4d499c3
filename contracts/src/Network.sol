// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC5267} from "@openzeppelin/contracts/interfaces/IERC5267.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";

/// @title The network that this contract is for, and who may do what
/// @notice The genesis hash is the salt of every signature. It is set once, after deployment, because the
///         genesis names this contract's address. Governance holds GOVERNANCE_ROLE and decides who holds
///         both roles; there is no other administrator.
abstract contract Network is AccessControl, Pausable, IERC5267 {
    string internal constant NAME = "tenseq";
    string internal constant VERSION = "1";
    /// @dev name, version, chainId, verifyingContract, salt (EIP-5267)
    bytes1 private constant DOMAIN_FIELDS = 0x1f;

    /// @notice Lists enclaves, decides on replacements, pauses, sets the genesis, appoints.
    bytes32 public constant GOVERNANCE_ROLE = keccak256("GOVERNANCE_ROLE");
    /// @notice Requests replacements, posts and withdraws the bond.
    bytes32 public constant OPERATOR_ROLE = keccak256("OPERATOR_ROLE");

    /// @dev The genesis names the chain's id, so a later fork of L1 does not change the network's domain.
    uint256 private immutable _chainId = block.chainid;

    /// @notice The hash of the network's genesis; zero until it is set.
    bytes32 public genesisHash;
    /// @notice The EIP-712 domain separator of the network; zero until the genesis is set.
    bytes32 public domainSeparator;

    event GenesisSet(bytes32 genesisHash);

    error ZeroAddress();
    error ZeroGenesis();
    error GenesisAlreadySet();
    error GenesisNotSet();

    constructor(address governance, address operator) {
        if (governance == address(0) || operator == address(0)) revert ZeroAddress();
        _setRoleAdmin(GOVERNANCE_ROLE, GOVERNANCE_ROLE);
        _setRoleAdmin(OPERATOR_ROLE, GOVERNANCE_ROLE);
        _grantRole(GOVERNANCE_ROLE, governance);
        _grantRole(OPERATOR_ROLE, operator);
    }

    /// @notice Binds this contract to a network, once and for all.
    /// @param genesis Keccak-256 of the genesis' RLP (docs/protocol.md, section 1.4)
    function setGenesis(bytes32 genesis) external onlyRole(GOVERNANCE_ROLE) {
        _setGenesis(genesis);
    }

    /// @notice Stops registrations, grants, approvals, rollups and withdrawals of the bond. Revocations,
    ///         proofs of equivocation and payments of what is owed go on.
    function pause() external onlyRole(GOVERNANCE_ROLE) {
        _pause();
    }

    /// @notice Ends a pause.
    function unpause() external onlyRole(GOVERNANCE_ROLE) {
        _unpause();
    }

    /// @inheritdoc IERC5267
    function eip712Domain()
        external
        view
        returns (
            bytes1 fields,
            string memory name,
            string memory version,
            uint256 chainId,
            address verifyingContract,
            bytes32 salt,
            uint256[] memory extensions
        )
    {
        return (
            DOMAIN_FIELDS, NAME, VERSION, _chainId, address(this), genesisHash, new uint256[](0)
        );
    }

    function _setGenesis(bytes32 genesis) internal virtual {
        if (genesis == 0) revert ZeroGenesis();
        if (genesisHash != 0) revert GenesisAlreadySet();
        genesisHash = genesis;
        domainSeparator = MessageHashUtils.toDomainSeparator(
            DOMAIN_FIELDS, NAME, VERSION, _chainId, address(this), genesis
        );
        emit GenesisSet(genesis);
    }

    /// @dev The EIP-712 digest of a struct, in the domain of this network.
    function _digest(bytes32 structHash) internal view returns (bytes32) {
        bytes32 separator = domainSeparator;
        if (separator == 0) revert GenesisNotSet();
        return MessageHashUtils.toTypedDataHash(separator, structHash);
    }
}
