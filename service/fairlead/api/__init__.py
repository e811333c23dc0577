"""The gRPC face: a chain of middlewares, servicers of a few lines, one error table."""
