"""What tests of Headway and of applications that embed it stand on: fakes of ports, contract suites.

Needs the extra `headway-core[testing]` (pytest).
"""
