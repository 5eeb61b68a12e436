"""What tests of Headway, and of what is built on it, stand on: fakes of ports, contract suites, a harness."""
