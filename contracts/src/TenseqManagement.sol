// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Bond} from "./Bond.sol";
import {DataAvailability} from "./DataAvailability.sol";
import {EnclaveRegistry} from "./EnclaveRegistry.sol";
import {Equivocation} from "./Equivocation.sol";
import {Network} from "./Network.sol";
import {Replacement} from "./Replacement.sol";
import {BondParams} from "./Types.sol";

/// @title The management contract of one tenseq network
/// @notice Who may sequence (EnclaveRegistry, Replacement), what an operator answers with (Bond,
///         Equivocation), and the rollups (DataAvailability). It cannot be upgraded: its address is in the
///         genesis, and what the code says holds for the network's life. docs/contracts.md is its manual.
contract TenseqManagement is Replacement, Equivocation, DataAvailability {
    /// @param governance holds GOVERNANCE_ROLE; on a real network a multisig
    /// @param operator   holds OPERATOR_ROLE
    /// @param params     the terms of the bond; they never change
    constructor(address governance, address operator, BondParams memory params)
        Network(governance, operator)
        Bond(params)
    {}

    function _setGenesis(bytes32 genesis) internal override(DataAvailability, EnclaveRegistry) {
        super._setGenesis(genesis);
    }
}
