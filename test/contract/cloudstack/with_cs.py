"""The lab seen by python3-cs, which knows nothing of this project. Says what it saw as one JSON object."""

import json
import os
import sys

import cs

WORKED = {}
cloud = cs.CloudStack(
    endpoint=os.environ["LAB_ENDPOINT"],
    key=os.environ["LAB_KEY"],
    secret=os.environ["LAB_SECRET"],
    method=sys.argv[1],
    fetch_result=True,
    poll_interval=0.05,
)


def refusal(call, **arguments):
    try:
        call(**arguments)
    except cs.CloudStackException as error:
        return {"http": error.response.status_code, "error": error.error if hasattr(error, "error") else str(error)}
    return None


zone = cloud.listZones()["zone"][0]
offering = next(o for o in cloud.listDiskOfferings()["diskoffering"] if o["iscustomized"])
vm = cloud.listVirtualMachines(name="oma")["virtualmachine"][0]
name = "cs volume (%s)" % sys.argv[1]
volume = cloud.createVolume(name=name, zoneid=zone["id"], diskofferingid=offering["id"], size=5)["volume"]
WORKED["created"] = {key: volume[key] for key in ("name", "size", "state", "type", "storage")}
attached = cloud.attachVolume(id=volume["id"], virtualmachineid=vm["id"])["volume"]
WORKED["attached"] = attached["virtualmachineid"] == vm["id"] and attached["state"] == "Ready"
WORKED["device_id"] = attached["deviceid"]
WORKED["delete_while_attached"] = refusal(cloud.deleteVolume, id=volume["id"])["http"]
WORKED["attach_twice"] = refusal(cloud.attachVolume, id=volume["id"], virtualmachineid=vm["id"]) is not None
detached = cloud.detachVolume(id=volume["id"])["volume"]
WORKED["detached_has_no_vm"] = not any(key in detached for key in ("virtualmachineid", "deviceid", "attached"))
cloud.createTags(resourceids=volume["id"], resourcetype="Volume", tags=[{"key": "owner", "value": "a b"}])
WORKED["tags"] = [(t["key"], t["value"]) for t in cloud.listTags(resourceid=volume["id"])["tag"]]
WORKED["paged"] = [v["name"] for v in cloud.listVolumes(fetch_list=True, name=name)]
WORKED["deleted"] = cloud.deleteVolume(id=volume["id"])["success"]
WORKED["empty"] = cloud.listVolumes(name=name)
stranger = cs.CloudStack(endpoint=os.environ["LAB_ENDPOINT"], key=os.environ["LAB_KEY"], secret="bad")
WORKED["wrong_secret"] = refusal(stranger.listZones)["http"]
print(json.dumps(WORKED))
