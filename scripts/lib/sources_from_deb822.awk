# Turns deb822 apt sources (paragraphs without comments) into stanzas for another suite of the same mirrors.
# Variables: suite, and keyring (used where the paragraph names none; empty when there is none).
BEGIN { RS = ""; FS = "\n" }
{
  types = uris = suites = components = signed = enabled = name = ""
  for (i = 1; i <= NF; i++) {
    if ($i ~ /^[ \t]/) {
      value = $i  # a continuation line belongs to the field before it
      if (name == "signed-by") signed = signed "\n" value
      else if (name == "uris") uris = uris value
      else if (name == "suites") suites = suites value
      else if (name == "components") components = components value
      continue
    }
    colon = index($i, ":")
    name = tolower(substr($i, 1, colon - 1))
    value = substr($i, colon + 1)
    sub(/^[ \t]+/, "", value)
    if (name == "types") types = value
    else if (name == "uris") uris = value
    else if (name == "suites") suites = value
    else if (name == "components") components = value
    else if (name == "signed-by") signed = value
    else if (name == "enabled") enabled = tolower(value)
  }
  if ((" " types " ") !~ / deb / || (" " components " ") !~ /[ \t]main[ \t]/ || enabled == "no") next
  wanted = 0
  count = split(suites, each, /[ \t]+/)
  for (i = 1; i <= count; i++) if (each[i] != "" && each[i] !~ /[-\/]/) wanted = 1
  if (!wanted) next
  if (signed == "" || signed ~ /^\/usr\/share\/keyrings\/debian-archive-/) { if (keyring != "") signed = keyring }
  print "Types: deb\nURIs: " uris "\nSuites: " suite "\nComponents: main"
  if (signed != "") print "Signed-By: " signed
  print ""
}
