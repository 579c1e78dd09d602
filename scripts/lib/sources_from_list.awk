# Turns one-line apt sources ("deb [options] URI suite components") into deb822 stanzas for another suite of the same
# mirrors. Variables: suite, and keyring (used where the line names none; empty when there is none).
$1 == "deb" {
  line = $0
  signed = keyring
  if (match(line, /\[[^\]]*\]/)) {
    options = substr(line, RSTART + 1, RLENGTH - 2)
    line = substr(line, 1, RSTART - 1) substr(line, RSTART + RLENGTH)
    count = split(options, option, /[ \t]+/)
    for (i = 1; i <= count; i++) {
      if (option[i] ~ /^signed-by=/ && option[i] !~ /\/debian-archive-/) signed = substr(option[i], 11)
    }
  }
  sub(/#.*/, "", line)
  count = split(line, field, /[ \t]+/)
  has_main = 0
  for (i = 4; i <= count; i++) if (field[i] == "main") has_main = 1
  if (!has_main || field[3] ~ /[-\/]/) next
  print "Types: deb\nURIs: " field[2] "\nSuites: " suite "\nComponents: main"
  if (signed != "") print "Signed-By: " signed
  print ""
}
