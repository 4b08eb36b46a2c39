# Every outside library, found once and named alto::<name>.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# The first of the module names that is there: distributions differ. Debian 13 says of msgpack-c that its headers are in
# "include", whatever that is relative to: they are where all headers are. A folder given with -isystem is among the
# folders when CMake asks pkg-config and among the options when it reads its cache: left so, the second build would begin anew.
function(alto_library name)
  pkg_search_module(${name} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
  get_target_property(include PkgConfig::${name} INTERFACE_INCLUDE_DIRECTORIES)
  get_target_property(options PkgConfig::${name} INTERFACE_COMPILE_OPTIONS)
  list(APPEND include ${options})
  list(FILTER include INCLUDE REGEX "^/")
  list(FILTER options EXCLUDE REGEX "^(-isystem|/.*|.*-NOTFOUND)$")
  set_target_properties(PkgConfig::${name} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${include}"
                        INTERFACE_COMPILE_OPTIONS "${options}")
  add_library(alto::${name} ALIAS PkgConfig::${name})
endfunction()

alto_library(sodium libsodium)
alto_library(msgpack msgpack-c msgpack)
alto_library(zmq libzmq)
alto_library(curl libcurl)
alto_library(microhttpd libmicrohttpd)
alto_library(gnutls gnutls)
alto_library(lmdb lmdb)
alto_library(yajl yajl)
alto_library(zlib zlib)
alto_library(zstd libzstd)
