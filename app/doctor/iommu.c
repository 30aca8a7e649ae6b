/* SPDX-License-Identifier: BSD-3-Clause */

/* Whether vfio can give a card to DPDK, and with what protection. */

#include <string.h>

#include "doctor/doctor.h"
#include "doctor/tree.h"

static void iommu_off(struct doctor *d, bool wanted)
{
	char parameter[64], unsafe[16] = "";
	bool asked = kernel_parameter(d, "intel_iommu", parameter, sizeof(parameter)) ||
		     kernel_parameter(d, "amd_iommu", parameter, sizeof(parameter));

	tree_read(d->root, unsafe, sizeof(unsafe),
		"/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
	if (!wanted)
		finding_add(d, SEVERITY_OK, "iommu.state", "",
			"no IOMMU group; none is needed without a port bound to vfio-pci");
	else if (unsafe[0] == 'Y' || unsafe[0] == '1')
		finding_remedy(finding_add(d, SEVERITY_WARNING, "iommu.state",
				       "a card without an IOMMU can write to all memory",
				       "no IOMMU; vfio runs in its unsafe no-iommu mode"),
			"switch the IOMMU on in the firmware; kernel command line: intel_iommu=on "
			"iommu=pt (AMD: iommu=pt)");
	else
		finding_remedy(
			finding_add(d, SEVERITY_ERROR, "iommu.state",
				"vfio-pci takes no card without an IOMMU", "no IOMMU group%s",
				asked ? ", though the kernel's command line asks for it" : ""),
			"switch the IOMMU on in the firmware%s; in a virtual machine without one: "
			"echo Y > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
			asked ? ""
			      : "; kernel command line: intel_iommu=on iommu=pt (AMD: iommu=pt)");
}

void doctor_iommu(struct doctor *d)
{
	struct tree_names groups = tree_list(d->root, "/sys/kernel/iommu_groups");
	bool wanted = d->config && ports_have(d->config, PORT_KIND_PCI);

	if (groups.n <= 0) {
		iommu_off(d, wanted);
	} else {
		char mode[64] = "";

		kernel_parameter(d, "iommu", mode, sizeof(mode));
		finding_add(d, SEVERITY_OK, "iommu.state", "", "IOMMU on, %d groups%s", groups.n,
			strcmp(mode, "pt") == 0 ? ", the kernel's own devices pass through" : "");
		if (wanted && !tree_exists(d->root, "/sys/module/vfio_pci") &&
			!tree_exists(d->root, "/sys/bus/pci/drivers/vfio-pci"))
			finding_remedy(
				finding_add(d, SEVERITY_NOTE, "iommu.vfio", "cards are bound to it",
					"the module vfio-pci is not loaded"),
				"modprobe vfio-pci");
	}
	tree_free(&groups);
}
