# Every outside library, found once and named alto::<name>.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(alto_library name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL ${module})
  add_library(alto::${name} ALIAS PkgConfig::${name})
endfunction()

alto_library(sodium libsodium)
alto_library(msgpack msgpack)
alto_library(zmq libzmq)
alto_library(curl libcurl)
alto_library(microhttpd libmicrohttpd)
alto_library(lmdb lmdb)
alto_library(yajl yajl)
alto_library(zlib zlib)
alto_library(zstd libzstd)
