#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Checks style, types and shell of everything that git tracks or would track; changes nothing.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin

# Prints the files that git tracks or would track and that match the patterns.
files() {
	git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
		[ -e "$file" ] && echo "$file"
	done
}

# Prints the shell scripts: by name, or by their first line.
scripts() {
	files '*.sh' .ci/run
	files package tests/package/router | while read -r file; do
		head -c 64 "$file" | head -n 1 | grep -aqE '^#!.*/sh( |$)' && echo "$file"
	done
	true
}

# Prints what has no licence line and could have one: not texts, data, others' files, or what is
# pasted into others' files.
unlicensed() {
	# shellcheck disable=SC2046 # names without spaces
	grep -IL 'SPDX-License-Identifier' $(files . ':!*.md' ':!*.json' ':!*.txt' ':!*.crt' ':!*.patch' ':!*.csv' ':!*.png' ':!*.hex' ':!*.eep' ':!LICENSE' ':!VERSION' \
		':!buildroot/*/fragments/*' ':!*/vendor/*') $(files 'flukso_server/*/templates/*.txt') || true
}

echo "lint: licence"
bare=$(unlicensed)
[ -z "$bare" ] || {
	echo "without an SPDX line: $bare" >&2
	exit 1
}
echo "lint: rules"
$bin/python -m tools.rules
echo "lint: python"
$bin/ruff check -q .
$bin/ruff format -q --check .
$bin/mypy --no-error-summary
echo "lint: shell"
# shellcheck disable=SC2046 # names without spaces
$bin/shellcheck -x $(scripts | sort -u)
# shellcheck disable=SC2046
$bin/shfmt -d $(scripts | sort -u)
echo "lint: c"
# shellcheck disable=SC2046
$bin/clang-format --dry-run --Werror $(files 'avr/*.c' 'avr/*.h' 'package/*.c' 'package/*.h' 'tests/*.c' 'tools/*.c')
make -s --no-print-directory -C avr cppcheck
