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

# A VM of a template, off; its root disk is exchanged for a volume that was on the appliance.
template = cloud.listTemplates(templatefilter="executable")["template"][0]
compute = cloud.listServiceOfferings()["serviceoffering"][0]
network = cloud.listNetworks()["network"][0]
deployed = cloud.deployVirtualMachine(
    name="cs-vm-" + sys.argv[1],
    zoneid=zone["id"],
    templateid=template["id"],
    serviceofferingid=compute["id"],
    networkids=[network["id"]],
    startvm="false",
    details=[{"rootDiskController": "virtio"}],
)["virtualmachine"]
WORKED["deployed"] = (deployed["state"], deployed["details"], [nic["networkid"] == network["id"] for nic in deployed["nic"]])
root = cloud.listVolumes(virtualmachineid=deployed["id"])["volume"][0]
WORKED["root_detached"] = cloud.detachVolume(id=root["id"])["volume"]["type"]
cloud.deleteVolume(id=root["id"])
WORKED["start_without_root"] = refusal(cloud.startVirtualMachine, id=deployed["id"]) is not None
swapped = cloud.attachVolume(id=volume["id"], virtualmachineid=deployed["id"], deviceid=0)["volume"]
WORKED["root_swapped"] = (swapped["type"], swapped["deviceid"])
WORKED["started"] = cloud.startVirtualMachine(id=deployed["id"])["virtualmachine"]["state"]
WORKED["rebooted"] = cloud.rebootVirtualMachine(id=deployed["id"])["virtualmachine"]["state"]
WORKED["stopped"] = cloud.stopVirtualMachine(id=deployed["id"], forced="true")["virtualmachine"]["state"]
snapshot = cloud.createSnapshot(volumeid=volume["id"], name="cs snapshot")["snapshot"]
WORKED["snapshot"] = (snapshot["state"], [s["name"] for s in cloud.listSnapshots(volumeid=volume["id"])["snapshot"]])
copy = cloud.createVolume(name=name + " copy", zoneid=zone["id"], snapshotid=snapshot["id"])["volume"]
WORKED["copy"] = (copy["size"], copy["state"], copy["snapshotid"] == snapshot["id"])
WORKED["resized"] = cloud.resizeVolume(id=copy["id"], size=6)["volume"]["size"]
cloud.deleteVolume(id=copy["id"])
WORKED["snapshot_deleted"] = cloud.deleteSnapshot(id=snapshot["id"])["success"]
cloud.detachVolume(id=volume["id"])
cloud.destroyVirtualMachine(id=deployed["id"], expunge="true")
WORKED["destroyed"] = cloud.listVirtualMachines(id=deployed["id"])
WORKED["deleted"] = cloud.deleteVolume(id=volume["id"])["success"]
WORKED["empty"] = cloud.listVolumes(name=name)
stranger = cs.CloudStack(endpoint=os.environ["LAB_ENDPOINT"], key=os.environ["LAB_KEY"], secret="bad")
WORKED["wrong_secret"] = refusal(stranger.listZones)["http"]
print(json.dumps(WORKED))
