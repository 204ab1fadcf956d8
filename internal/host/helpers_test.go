package host

const minilm = "all-minilm-l6-v2"
