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
worked = {
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
