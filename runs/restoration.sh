#!/bin/sh
# Trains the model that is shipped as `restoration`: three networks, 35 to 50 minutes of one core each.
# Usage: runs/restoration.sh NORMALS OUT, where NORMALS is the lgg-flair tree of docs/data.md.
set -eu
normals=$1
out=$2
lesionless phantom "$out/phantom" --healthy 24 --patients 5 --seed 61
lesionless prepare "$out/phantom" "$out/prepared-phantom" --strip none --no-n4
lesionless prepare "$normals" "$out/prepared-normals"
for seed in 0 1 2; do
    lesionless train "$out/prepared-normals" "$out/seed$seed" --model restoration --seed $seed \
        --beside-lesions-mm 15 --also "$out/prepared-phantom" \
        --epochs 15 --beta1 0.9 --decay cosine --threads 1
done
lesionless calibrate "$out/prepared-normals" "$out/restoration" \
    --model "$out/seed0" --model "$out/seed1" --model "$out/seed2" \
    --beside-lesions-mm 15 --operating-point fpr-3e-3
