"""matrix-js-sdk in Node."""
