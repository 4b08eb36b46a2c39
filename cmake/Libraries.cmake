# Every outside library, found once and named alto::<name>.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# The first of the module names that is there: distributions differ. Debian 13 says of msgpack-c that its headers are in
# "include", whatever that is relative to: they are where all headers are.
function(alto_library name)
  pkg_search_module(${name} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
  get_target_property(include PkgConfig::${name} INTERFACE_INCLUDE_DIRECTORIES)
  if(include)
    list(FILTER include INCLUDE REGEX "^/")
    set_target_properties(PkgConfig::${name} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${include}")
  endif()
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
