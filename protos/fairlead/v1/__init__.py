"""Messages, services and options of the contract, generated from the proto files beside this file."""
