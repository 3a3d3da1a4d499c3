/* SPDX-License-Identifier: Apache-2.0 */
/* Simulation: no hardware protects anything. The identity key is made inside and sealed to disk
 * under a key file that stands for the machine: 32 random bytes, mode 0600, made by the first
 * --init. Whoever reads both files has the key. The protocol is the same as on hardware. */
#ifndef TS_ENCLAVE_PLATFORM_SIM_H
#define TS_ENCLAVE_PLATFORM_SIM_H

#include "enclave/platform/platform.h"

#define TS_SIM_IDENTITY_FILE "identity.sealed"

#endif
