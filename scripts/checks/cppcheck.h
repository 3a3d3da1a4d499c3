/* SPDX-License-Identifier: Apache-2.0 */
/* Macros of libraries whose headers cppcheck does not read. */
#define json_array_foreach(array, i, v)                                                            \
    for ((i) = 0; (i) < json_array_size(array) && ((v) = json_array_get(array, i)); (i)++)
#define json_object_foreach(object, k, v)                                                          \
    for ((k) = json_object_iter_key(json_object_iter(object));                                     \
         (k) && ((v) = json_object_get(object, k)); (k) = json_object_iter_key(0))
