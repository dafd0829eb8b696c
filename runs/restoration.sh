#!/bin/sh
# Trains the model that is shipped as `restoration`: three networks, 35 to 50 minutes of one core each,
# then all three together on what they find in patients' scans without labels, 10 minutes of two cores.
# Usage: runs/restoration.sh NORMALS PATIENTS OUT: the lgg-flair tree of docs/data.md, and a tree of
# patients' scans, without labels (mslub-longitudinal). The weights that are shipped were trained with it
# at 8b620e6; since then the joined model looks and scores otherwise, so that it finds a little else in
# the patients.
set -eu
normals=$1
patients=$2
out=$3
lesionless phantom "$out/phantom" --healthy 24 --patients 5 --seed 61
lesionless prepare "$out/phantom" "$out/prepared-phantom" --strip none --no-n4
lesionless prepare "$normals" "$out/prepared-normals"
lesionless prepare "$patients" "$out/prepared-patients"
for seed in 0 1 2; do
    lesionless train "$out/prepared-normals" "$out/seed$seed" --model restoration --seed $seed \
        --beside-lesions-mm 15 --also "$out/prepared-phantom" \
        --epochs 15 --beta1 0.9 --decay cosine --threads 1
done
lesionless calibrate "$out/prepared-normals" "$out/joined" \
    --model "$out/seed0" --model "$out/seed1" --model "$out/seed2" \
    --beside-lesions-mm 15 --operating-point fpr-3e-3
lesionless train "$out/prepared-normals" "$out/restoration" --start "$out/joined" \
    --patients "$out/prepared-patients" --beside-lesions-mm 15 --also "$out/prepared-phantom" \
    --every 2 --epochs 4 --rate 0.3 --beta1 0.9 --decay cosine --threads 2 \
    --operating-point fpr-2e-3
