/**
 * Run by nbd-server before it opens a device; anything but a full match refuses the client (rule D3).
 * It reads the stamp that lies beside the link and needs no daemon: after a reboot or a swap it says no by itself.
 * `stat -L` looks at the node that the link really leads to, so a by-id link to another disk is seen as well.
 * What it let in it stamps with the server's child and its start time, so that a pid that is used again proves nothing:
 * through a tunnel no port tells which connection is for which volume (rule D4).
 */
export const prerunScript = `#!/bin/sh
set -eu
PATH=/usr/bin:/bin:/usr/sbin:/sbin
link=$1
stamp=$link.stamp
refuse() { echo "ossea prerun: $link: $1" >&2; exit 1; }

[ -L "$link" ] || refuse "no link"
[ -f "$stamp" ] || refuse "no stamp"
dev= sectors= diskseq= serial= boot_id= sys= boot_id_path= complete=
while IFS= read -r line; do
  key=\${line%%=*}
  value=\${line#*=}
  case $key in
    dev) dev=$value ;;
    sectors) sectors=$value ;;
    diskseq) diskseq=$value ;;
    serial) serial=$value ;;
    boot_id) boot_id=$value ;;
    sys) sys=$value ;;
    boot_id_path) boot_id_path=$value ;;
    complete) complete=$value ;;
  esac
done < "$stamp"
[ "$complete" = yes ] || refuse "the stamp is not complete"
[ -n "$dev" ] && [ -n "$sectors" ] && [ -n "$boot_id" ] && [ -n "$sys" ] && [ -n "$boot_id_path" ] || refuse "the stamp is not complete"

[ "$(cat "$boot_id_path")" = "$boot_id" ] || refuse "another boot"
[ "$(cat "$sys/dev")" = "$dev" ] || refuse "another device"
[ "$(cat "$sys/size")" = "$sectors" ] || refuse "another size"
if [ -n "$diskseq" ]; then
  [ "$(cat "$sys/diskseq")" = "$diskseq" ] || refuse "another disk took this name"
fi
if [ -n "$serial" ] && [ -e "$sys/serial" ]; then
  found=$(cat "$sys/serial")
  found=\${found%"\${found##*[! ]}"}
  [ "$found" = "$serial" ] || refuse "another serial"
fi
if [ -b "$link" ]; then
  node=$(stat -L -c '%t:%T' "$link")
  node=$(printf '%d:%d' "0x\${node%%:*}" "0x\${node##*:}")
elif [ -f "$link" ]; then
  node=$(stat -L -c '%d:%i' "$link")
else
  refuse "the link leads nowhere"
fi
[ "$node" = "$dev" ] || refuse "the link leads to $node, not to $dev"

child=$PPID
[ "$(cat "/proc/$child/comm")" = nbd-server ] || refuse "process $child is no nbd-server"
IFS= read -r state < "/proc/$child/stat"
set -f
set -- \${state##*) }
started=\${20}
vol=\${link%/*}
conn=\${vol%/*}/conn
umask 077
mkdir -p "$conn"
printf 'link=%s\\nstarted=%s\\ncomplete=yes\\n' "$link" "$started" > "$conn/$child.$$"
mv -f "$conn/$child.$$" "$conn/$child"
exit 0
`;
