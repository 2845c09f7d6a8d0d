# cmake -DOUT=header -P embed.cmake -- page.html file.css file.js…: puts styles and scripts, in their order, where the
# page has @STYLE@ and @SCRIPT@, and the whole into a header as kPageSource.

set(style "")
set(script "\"use strict\";\n")
set(past_dashes OFF)
foreach(at RANGE ${CMAKE_ARGC})
  set(file "${CMAKE_ARGV${at}}")
  if(file STREQUAL "--")
    set(past_dashes ON)
  elseif(NOT past_dashes OR file STREQUAL "")
    continue()
  else()
    file(READ "${file}" text)
    if(file MATCHES "\\.html$")
      set(page "${text}")
    elseif(file MATCHES "\\.css$")
      string(APPEND style "${text}")
    else()
      string(APPEND script "${text}")
    endif()
  endif()
endforeach()

string(REPLACE "@STYLE@" "${style}" page "${page}")
string(REPLACE "@SCRIPT@" "${script}" page "${page}")
file(WRITE "${OUT}" "// Made by common/ui/embed.cmake.
#pragma once

#include <string_view>

namespace gatehouse::ui {

inline constexpr std::string_view kPageSource = R\"page(${page})page\";

}  // namespace gatehouse::ui
")
