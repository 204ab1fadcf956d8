
·{"model":"resnet50","top":[{"index":750,"logit":0.539897},{"index":158,"logit":0.533082},{"index":156,"logit":0.486997},{"index":786,"logit":0.483768},{"index":766,"logit":0.466846}]}