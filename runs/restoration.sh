#!/bin/sh
# Trains the model that is shipped as `restoration`: about 75 minutes of one core.
# Usage: runs/restoration.sh NORMALS OUT, where NORMALS is the lgg-flair tree of docs/data.md.
set -eu
normals=$1
out=$2
lesionless phantom "$out/phantom" --healthy 24 --patients 5 --seed 61
lesionless prepare "$out/phantom" "$out/prepared-phantom" --strip none --no-n4
lesionless prepare "$normals" "$out/prepared-normals"
lesionless train "$out/prepared-normals" "$out/restoration" --model restoration \
    --beside-lesions-mm 15 --also "$out/prepared-phantom" \
    --epochs 15 --beta1 0.9 --decay cosine --operating-point fpr-3e-3 --threads 1
