/** Whether and how well this browser can draw the map. */
export type Drawing = 'none' | 'software' | 'hardware';

export function drawingOf(): Drawing {
  const context = document.createElement('canvas').getContext('webgl2');
  if (!context) return 'none';
  const info = context.getExtension('WEBGL_debug_renderer_info');
  const renderer = info ? String(context.getParameter(info.UNMASKED_RENDERER_WEBGL)) : '';
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return /SwiftShader|llvmpipe|Basic Render/i.test(renderer) ? 'software' : 'hardware';
}
