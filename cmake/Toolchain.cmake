# Language level, warnings, hardening and sanitizers, written once.
include(CheckCCompilerFlag)
include(CheckPIESupported)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported(LANGUAGES C) # otherwise programs are compiled for it but not linked as such
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

set(ALTO_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")

# Those of the flags that this compiler knows for this processor.
function(alto_harden)
  foreach(flag ${ARGN})
    string(MAKE_C_IDENTIFIER "ALTO_KNOWS${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
      add_compile_options(${flag})
    endif()
  endforeach()
endfunction()

add_compile_definitions(_GNU_SOURCE)
add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Werror -Wstrict-prototypes -Wmissing-prototypes
                    -Wpointer-arith -Wundef -Wvla -fno-common)
if(ALTO_SANITIZE)
  add_compile_options(-fsanitize=${ALTO_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${ALTO_SANITIZE})
  # gcc 14 takes what the thread sanitizer adds for writing beyond an end; builds without sanitizers keep the warning.
  add_compile_options($<$<C_COMPILER_ID:GNU>:-Wno-stringop-overflow>)
else()
  # tests/system/test_hardening looks for what these leave in the programs.
  alto_harden(-fstack-protector-strong -fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
    alto_harden(-fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    alto_harden(-mbranch-protection=standard)
  endif()
  # Level 3 also checks objects whose size is only known at run time; older compilers say that they do not know it.
  set(CMAKE_REQUIRED_FLAGS "-O2 -U_FORTIFY_SOURCE")
  check_c_compiler_flag("-D_FORTIFY_SOURCE=3 -include stdlib.h -Werror" ALTO_KNOWS_FORTIFY_3)
  unset(CMAKE_REQUIRED_FLAGS)
  set(fortify -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$<IF:$<BOOL:${ALTO_KNOWS_FORTIFY_3}>,3,2>)
  add_compile_options("$<$<NOT:$<CONFIG:Debug>>:${fortify}>") # it needs optimization
  add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code)
endif()
