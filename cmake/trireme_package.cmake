# The installed package: find_package(trireme) gives trireme::trireme, everything that this build holds, and each
# library on its own (trireme::hal, trireme::tokenizer). Headers are included as <trireme/runtime/session.h>.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(TRIREME_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/trireme)

# trireme_export(LIBRARY): installs a library with its public headers, as trireme::LIBRARY without our prefix.
function(trireme_export library)
  string(REGEX REPLACE "^trireme_" "" export_name ${library})
  set_target_properties(${library} PROPERTIES EXPORT_NAME ${export_name})
  # Trireme's own headers include each other from the root of its tree.
  target_include_directories(${library} INTERFACE
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/trireme>)
  install(TARGETS ${library} EXPORT trireme ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
          FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/trireme)
endfunction()

# trireme_package(LIBRARIES ...): installs what makes a package of them. Called when all dependencies are known.
function(trireme_package)
  add_library(trireme_trireme INTERFACE)
  add_library(trireme::trireme ALIAS trireme_trireme)
  target_link_libraries(trireme_trireme INTERFACE ${ARGN})
  set_target_properties(trireme_trireme PROPERTIES EXPORT_NAME trireme)
  install(TARGETS trireme_trireme EXPORT trireme)
  install(EXPORT trireme NAMESPACE trireme:: DESTINATION ${TRIREME_CMAKE_DIR} FILE trireme-targets.cmake)

  get_property(dependencies GLOBAL PROPERTY TRIREME_DEPENDENCIES)
  list(REMOVE_DUPLICATES dependencies)
  list(JOIN dependencies "\n" TRIREME_DEPENDENCIES)
  set(TRIREME_BACKENDS ${TRIREME_BACKENDS})
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/trireme-config.cmake.in
    ${PROJECT_BINARY_DIR}/trireme-config.cmake INSTALL_DESTINATION ${TRIREME_CMAKE_DIR})
  # Interfaces may still change with every minor version.
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/trireme-config-version.cmake COMPATIBILITY SameMinorVersion)
  file(GLOB find_modules ${PROJECT_SOURCE_DIR}/cmake/Find*.cmake)
  install(FILES ${PROJECT_BINARY_DIR}/trireme-config.cmake ${PROJECT_BINARY_DIR}/trireme-config-version.cmake
                ${find_modules} DESTINATION ${TRIREME_CMAKE_DIR})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
endfunction()
