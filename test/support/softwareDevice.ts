/** Debian's software Vulkan device: WebGPU runs on it without a GPU, slowly. */
import * as fs from 'node:fs';

/** Names the device to the Vulkan loader, as VK_ICD_FILENAMES. */
export const SOFTWARE_DEVICE = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Why tests on the device are left out here; false where it can be used. */
export const softwareDeviceMissing: string | false =
  fs.existsSync(SOFTWARE_DEVICE) && hasVulkanLoader()
    ? false
    : 'no software Vulkan device here (Debian: chromium-common and libvulkan1)';

/** Chromium brings a loader of its own, which only Chromium finds. */
function hasVulkanLoader(): boolean {
  const folders = fs.existsSync('/usr/lib') ? fs.readdirSync('/usr/lib') : [];
  return folders.some(
    (name) => name.endsWith('-linux-gnu') && fs.existsSync(`/usr/lib/${name}/libvulkan.so.1`),
  );
}
