"""The lab seen by Apache Libcloud, which knows nothing of this project. Says what it saw as one JSON object."""

import json
import os

from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider

driver = get_driver(Provider.CLOUDSTACK)(
    key=os.environ["LAB_KEY"],
    secret=os.environ["LAB_SECRET"],
    secure=False,
    host="127.0.0.1",
    port=int(os.environ["LAB_PORT"]),
    path="/client/api",
)
driver.connection.async_poll_interval = 0.05


def refused(call, *arguments):
    try:
        call(*arguments)
    except Exception as error:
        return str(error)
    return None


location = driver.list_locations()[0]
node = next(n for n in driver.list_nodes() if n.name == "oma")
volume = driver.create_volume(size=7, name="lc volume", location=location)
network = driver.ex_list_networks()[0]
made = driver.create_node(
    name="lc-vm",
    size=driver.list_sizes()[0],
    image=driver.list_images()[0],
    location=location,
    networks=[network],
    ex_start_vm=True,
)


def root_of(machine):
    return next(v for v in driver.list_volumes(node=machine))


def state_of(machine):
    return next((str(n.state) for n in driver.list_nodes() if n.id == machine.id), None)


machine = {"made": str(made.state), "stopped": driver.ex_stop(made), "listed": state_of(made)}
root = root_of(made)
snapshot = driver.create_volume_snapshot(root)
machine["snapshots"] = [s.extra["volume_id"] == root.id for s in driver.list_snapshots()]
machine["snapshot_gone"] = driver.destroy_volume_snapshot(snapshot)
machine["root_detached"] = driver.detach_volume(root)
machine["start_without_root"] = refused(driver.ex_start, made)
# Its own attach_volume cannot say the device id, and then the disk is no root (ACS 8634).
driver.attach_volume(made, root)
machine["start_with_root_as_data"] = refused(driver.ex_start, made)
driver.detach_volume(root)
back = {"id": root.id, "virtualmachineid": made.id, "deviceid": 0}
machine["root_back"] = driver._async_request(command="attachVolume", params=back, method="GET")["volume"]["type"]
machine["started"] = driver.ex_start(made)
machine["rebooted"] = driver.reboot_node(made)
machine["destroyed"] = driver.destroy_node(made, ex_expunge=True)
machine["left"] = state_of(made)
worked = {
    "machine": machine,
    "zone": location.name,
    "size": volume.size,
    "sizes": [s.name for s in driver.list_sizes()],
    "images": [i.name for i in driver.list_images()],
    "networks": [n.name for n in driver.ex_list_networks()],
    "attached": driver.attach_volume(node, volume),
    "attach_twice": refused(driver.attach_volume, node, volume),
    "destroy_attached": refused(driver.destroy_volume, volume),
    "listed": [(v.name, v.size) for v in driver.list_volumes() if v.id == volume.id],
    "detached": driver.detach_volume(volume),
    "destroyed": driver.destroy_volume(volume),
    "left": [v.name for v in driver.list_volumes() if v.id == volume.id],
}
print(json.dumps(worked))
