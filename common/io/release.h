/* SPDX-License-Identifier: Apache-2.0 */
/* release.h - the number of this release, as --version and User-Agent say it. */
#ifndef ALTO_RELEASE_H
#define ALTO_RELEASE_H

#ifndef ALTO_RELEASE
#define ALTO_RELEASE "0.1.0"
#endif

#endif
